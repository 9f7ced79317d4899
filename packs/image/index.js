'use strict'

const { packForms } = require('../../lib/plugins.js')

const { imageInfo, imageInfoAsync, imageInfoSync, resizeImage, resizeImageAsync, resizeImageSync } = packForms('image')

module.exports = { imageInfo, imageInfoAsync, imageInfoSync, resizeImage, resizeImageAsync, resizeImageSync }
