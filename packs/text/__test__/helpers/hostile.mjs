// Texts that try to run something, made of the ways in which pages have been attacked: what runs says so by `ran()`.

const RUN = 'ran()'
const SCHEMES = [
  'javascript:',
  'JaVaScRiPt:',
  ' javascript:',
  'java\tscript:',
  'java\nscript:',
  '\u0001javascript:',
  'javascript&colon;',
  '&#106;avascript:',
  '&#x6A&#x61vascript:',
  'java&Tab;script&colon;',
  'vbscript:',
  'data:text/html,<script>parent.ran()</script>',
]
const EVENTS = [
  'onerror',
  'onload',
  'onclick',
  'onfocus',
  'onmouseover',
  'onanimationstart',
  'onbegin',
  'ontoggle',
  'onpointerrawupdate',
  'onbeforetoggle',
]
const TAGS = [
  'img',
  'svg',
  'body',
  'input',
  'video',
  'audio',
  'details',
  'iframe',
  'object',
  'embed',
  'marquee',
  'select',
  'isindex',
  'animate',
  'math',
  'x',
]
const SCRIPTS = [
  `<script>${RUN}</script>`,
  `<SCRIPT>${RUN}</SCRIPT>`,
  `<scr<script>ipt>${RUN}</scr</script>ipt>`,
  `<script/x>${RUN}</script>`,
  `<script\n>${RUN}</script >`,
  `<svg><script>${RUN}</script></svg>`,
  `<svg><script href="data:text/javascript,${RUN}"/></svg>`,
  `<math><mtext><script>${RUN}</script></mtext></math>`,
  `<iframe srcdoc="<script>parent.${RUN}</script>"></iframe>`,
  `<object data="data:text/html,<script>parent.${RUN}</script>"></object>`,
  `<embed src="data:text/html,<script>parent.${RUN}</script>">`,
  `<meta http-equiv="refresh" content="0;url=javascript:${RUN}">`,
  `<link rel=stylesheet href="data:text/css,*{background:url(x)}">`,
  `<base href="javascript:/"><a href="x">x</a>`,
  `<style>@import 'http://example.invalid/x.css';</style>`,
  `<style>x{animation:y}</style><x onanimationstart=${RUN}></x>`,
  `<form action="javascript:${RUN}"><button autofocus>x</button></form>`,
  `<button formaction="javascript:${RUN}" form=f>x</button><form id=f></form>`,
  `<img src=x:x onerror=${RUN}>`,
  `<img/src=x:x/onerror=${RUN}//`,
  `<img src=x:x onerror="${RUN}"`,
  `<<img src=x:x onerror=${RUN}>`,
  `<svg onload=${RUN}>`,
  `<svg><animate onbegin=${RUN} attributeName=x dur=1s></svg>`,
  `<svg><use href="data:image/svg+xml,<svg id='x' xmlns='http://www.w3.org/2000/svg'><script>${RUN}</script></svg>#x"/></svg>`,
  `<svg><a xlink:href="javascript:${RUN}"><text>x</text></a></svg>`,
  `<svg><set attributeName=href to="javascript:${RUN}"></svg>`,
  `<details open ontoggle=${RUN}>x</details>`,
  `<input autofocus onfocus=${RUN}>`,
  `<video><source onerror=${RUN}></video>`,
  `<audio src=x:x onerror=${RUN}></audio>`,
  `<x style="background:url(http://example.invalid/x)">x</x>`,
  `<div style="width:expression(${RUN})">x</div>`,
  `<template><script>${RUN}</script></template>`,
  `<template shadowrootmode=open><img src=x:x onerror=${RUN}></template>`,
]
/** Around what runs: where two parsers may not agree on what is markup, above all after a round of writing and parsing. */
const AROUND = [
  (html) => html,
  (html) => `<noscript><p title="</noscript>${html}"></noscript>`,
  (html) => `<!--><p>${html}-->`,
  (html) => `<!--- --!>${html}-->`,
  (html) => `<![CDATA[${html}]]>`,
  (html) => `<textarea></textarea>${html}`,
  (html) => `<textarea>&lt;/textarea>${html}`,
  (html) => `<title></title>${html}`,
  (html) => `<xmp></xmp>${html}`,
  (html) => `<plaintext>${html}`,
  (html) => `<style><!--</style>${html}--></style>`,
  (html) => `<svg><style><!--</style>${html}</svg>`,
  (html) => `<svg></p><style><g title="</style>${html}">`,
  (html) => `<math><mtext><table><mglyph><style><!--</style>${html}`,
  (html) => `<form><math><mtext></form><form><mglyph><style></math>${html}`,
  (html) => `<svg><desc><title><a title="</title>${html}">`,
  (html) => `<math><annotation-xml encoding="text/html"><style>${html}</style></annotation-xml></math>`,
  (html) => `<table><td><table>${html}</table>`,
  (html) => `<select><option>${html}`,
  (html) => `<p><a title="&quot;>${html}">x</a>`,
  (html) => `<a title='"${html}'>x</a>`,
  (html) => `<img alt="\`${html}\`" src=x:x>`,
  (html) => `<b title="&lt;/b&gt;${html.replaceAll('<', '&lt;')}">x</b>`,
  (html) => html.replaceAll('<', '&lt;').replaceAll('&lt;', '<\0'),
  (html) => html.replaceAll('<', '\uff1c'),
  (html) => html.replaceAll(' ', '/'),
  (html) => `<a href="#">${'<b>'.repeat(100)}${html}`,
]
/** As Markdown has it. */
const MARKDOWN = [
  (html) => html,
  (html) => `> ${html.replaceAll('\n', ' ')}`,
  (html) => `* x\n\n  ${html.replaceAll('\n', ' ')}`,
  (html) => `| a |\n|---|\n| ${html.replaceAll('|', '\\|').replaceAll('\n', ' ')} |`,
  (html) => `\`\`\`"${html.replaceAll('`', '').replaceAll('\n', ' ')}\nx\n\`\`\``,
  (html) => `x[^1]\n\n[^1]: ${html.replaceAll('\n', ' ')}`,
]

/** So many different texts, the same each time. */
export function hostileTexts(count) {
  const cores = [
    ...SCRIPTS,
    ...SCHEMES.flatMap((scheme) => [
      `<a href="${scheme}${RUN}">link</a>`,
      `<img src="${scheme}${RUN}">`,
      `<iframe src="${scheme}${RUN}"></iframe>`,
      `[link](<${scheme}${RUN}>)`,
      `[link][x]\n\n[x]: ${scheme}${RUN}`,
      `![x](${scheme}${RUN})`,
      `<${scheme.trim()}${RUN}>`,
    ]),
    ...TAGS.flatMap((tag) => EVENTS.map((event) => `<${tag} src=x:x ${event}="${RUN}" open autofocus>x`)),
    `![x" onerror="${RUN}](x:x)`,
    `[x](x "\\" onclick=${RUN} \\"")`,
    `[x](x '"onmouseover=${RUN}')`,
    `[x](x\\"onmouseover=${RUN})`,
    `<http://a.b/"onmouseover=${RUN}>`,
    `www.a.b/"onmouseover=${RUN}`,
    `a@b.c"onmouseover=${RUN}`,
  ]
  const texts = new Set()
  for (let round = 0; texts.size < count; round++) {
    for (const [index, core] of cores.entries()) {
      const around = AROUND[(round + index * 7) % AROUND.length]
      const markdown = MARKDOWN[(round * 5 + index) % MARKDOWN.length]
      texts.add(markdown(around(core)))
      if (texts.size === count) break
    }
    if (round > AROUND.length * MARKDOWN.length) throw new Error(`There are ${texts.size} texts`)
  }
  return [...texts]
}
