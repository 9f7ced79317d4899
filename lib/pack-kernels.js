'use strict'

// Generated from the packs' own tables by `npm run generate`: the pack that a kernel is of.

module.exports = new Map([
  ['compress', 'compression'],
  ['decompress', 'compression'],
  ['convertTable', 'data'],
  ['queryJson', 'data'],
  ['topK', 'data'],
  ['resizeImage', 'image'],
  ['imageInfo', 'image'],
  ['hashPassword', 'passwords'],
  ['verifyPassword', 'passwords'],
  ['needsRehash', 'passwords'],
  ['countTokens', 'text'],
  ['truncateToTokens', 'text'],
  ['renderMarkdown', 'text'],
  ['sanitizeHtml', 'text'],
  ['htmlToMarkdown', 'text'],
  ['matchText', 'text'],
  ['replaceText', 'text'],
])
