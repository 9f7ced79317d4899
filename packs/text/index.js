'use strict'

const { packForms } = require('../../lib/plugins.js')

const {
  htmlToMarkdown,
  htmlToMarkdownAsync,
  htmlToMarkdownSync,
  matchText,
  matchTextAsync,
  matchTextSync,
  renderMarkdown,
  renderMarkdownAsync,
  renderMarkdownSync,
  replaceText,
  replaceTextAsync,
  replaceTextSync,
  sanitizeHtml,
  sanitizeHtmlAsync,
  sanitizeHtmlSync,
} = packForms('text')

module.exports = {
  htmlToMarkdown,
  htmlToMarkdownAsync,
  htmlToMarkdownSync,
  matchText,
  matchTextAsync,
  matchTextSync,
  renderMarkdown,
  renderMarkdownAsync,
  renderMarkdownSync,
  replaceText,
  replaceTextAsync,
  replaceTextSync,
  sanitizeHtml,
  sanitizeHtmlAsync,
  sanitizeHtmlSync,
}
