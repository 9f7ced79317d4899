// Generated from the pack's own table by `npm run generate`.

import type { AsyncOptions, Bytes, SyncOptions, TaskOptions } from '../../index.js'

/** What `countTokens` takes beside the options of every task. */
export interface CountTokensOptions {
  /** 'o200k_base' (default: GPT-4o and later) or 'cl100k_base' (GPT-4, GPT-3.5, text-embedding-3). */
  encoding?: 'o200k_base' | 'cl100k_base' | undefined
}

/** What `truncateToTokens` takes beside the options of every task. */
export interface TruncateToTokensOptions {
  /** Most tokens. 0..2^53 - 1. */
  maxTokens: number
  /** 'o200k_base' (default: GPT-4o and later) or 'cl100k_base' (GPT-4, GPT-3.5, text-embedding-3). */
  encoding?: 'o200k_base' | 'cl100k_base' | undefined
}

/** What `renderMarkdown` takes beside the options of every task. */
export interface RenderMarkdownOptions {
  /** With GitHub's extensions. Default true. */
  gfm?: boolean | undefined
  /** Makes the result clean. Default true; without it, HTML in the text is in the result as it is: for texts of your own alone. */
  sanitize?: boolean | undefined
}

/** What `sanitizeHtml` takes beside the options of every task. */
export interface SanitizeHtmlOptions {
  /** The tags that stay, instead of the default's; the content of others stays without them. Refused: tags that run, load documents or send (script, style, iframe, object, svg, math, form, meta, base, link, template, ...). */
  tags?: string[] | undefined
  /** The attributes that stay, by tag, `'*'` for all tags, instead of the default's. Refused: on..., style, srcset, srcdoc, form..., ping, attributionsrc, http-equiv, is, slot and names with a colon. `rel` of links is set. */
  attributes?: Record<string, string[]> | undefined
  /** `tags` and `attributes` stay beside the default's, instead of standing for them. Default false. */
  extendDefaults?: boolean | undefined
}

/** What `matchText` takes beside the options of every task. */
export interface MatchTextOptions {
  /** In the syntax of the Rust crate regex: Perl's without look-around and back-references, so that a search is linear in the text. At most 64 KiB; compiled, 4 MiB. */
  pattern: string
  /** Any of 'i' (letters of either case), 'm' (^ and $ at lines), 's' (. is newlines, too), 'u' (Unicode, as without it), 'x' (white space and comments in the pattern). Default ''. */
  flags?: string | undefined
  /** Most matches; the rest is not looked for. 1..1,000,000, default 10,000. */
  limit?: number | undefined
}

/** What `replaceText` takes beside the options of every task. */
export interface ReplaceTextOptions {
  /** In the syntax of the Rust crate regex: Perl's without look-around and back-references, so that a search is linear in the text. At most 64 KiB; compiled, 4 MiB. */
  pattern: string
  /** What stands for each match. */
  replacement: string
  /** Any of 'i' (letters of either case), 'm' (^ and $ at lines), 's' (. is newlines, too), 'u' (Unicode, as without it), 'x' (white space and comments in the pattern). Default ''. */
  flags?: string | undefined
}
/**
 * The number of tokens of `text`, in time linear in it, whatever it holds. What looks like a special token is text.
 *
 * The first call for an encoding makes its tables, on the pool: about 0.5 s (cl100k_base) or 1.5 s (o200k_base) of one thread, and 35 or 60 MB that stay. So call it once, with an empty text, when the server starts.
 *
 * Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE; ERR_OUT_OF_MEMORY. Working memory: the text in UTF-8, some two bytes for each of its longest piece, and 0.2 MB. White space is what Unicode and tiktoken itself take for it: JavaScript's tokenizers differ for U+0085 and
 * U+FEFF. Stops within: 1 ms, 10 ms for each MiB of one piece (a word, or a run of the like), and the time that the tables
 * take. Source: the encodings of github.com/openai/tiktoken.
 *
 * Runs on the threads of a pool.
 */
export function countTokens(text: string | Bytes, options?: TaskOptions & CountTokensOptions): Promise<number>
export namespace countTokens {
  const kernel: 'countTokens'
}

/**
 * {@link countTokens} on libuv's thread pool, as an N-API AsyncTask.
 */
export function countTokensAsync(text: string | Bytes, options?: AsyncOptions & CountTokensOptions): Promise<number>
export namespace countTokensAsync {
  const kernel: 'countTokens'
}

/**
 * {@link countTokens} on the calling thread.
 */
export function countTokensSync(text: string | Bytes, options?: SyncOptions & CountTokensOptions): number
export namespace countTokensSync {
  const kernel: 'countTokens'
}

/**
 * The text of the first `maxTokens` tokens of `text`, without a last character that they hold only in part; all of it, if it has no more. What comes after these tokens' last word is not read.
 *
 * Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE; ERR_OUT_OF_MEMORY. Working memory: the text in UTF-8, some two bytes for each of its longest piece, and 0.2 MB. The first call, and stopping: as countTokens.
 *
 * Runs on the threads of a pool.
 */
export function truncateToTokens(text: string | Bytes, options: TaskOptions & TruncateToTokensOptions): Promise<string>
export namespace truncateToTokens {
  const kernel: 'truncateToTokens'
}

/**
 * {@link truncateToTokens} on libuv's thread pool, as an N-API AsyncTask.
 */
export function truncateToTokensAsync(
  text: string | Bytes,
  options: AsyncOptions & TruncateToTokensOptions,
): Promise<string>
export namespace truncateToTokensAsync {
  const kernel: 'truncateToTokens'
}

/**
 * {@link truncateToTokens} on the calling thread.
 */
export function truncateToTokensSync(text: string | Bytes, options: SyncOptions & TruncateToTokensOptions): string
export namespace truncateToTokensSync {
  const kernel: 'truncateToTokens'
}

/**
 * `text` as HTML: CommonMark 0.31.2, and GitHub's extensions (tables, task lists, strikethrough, addresses that are links, footnotes; not its filter of tags, which `sanitize` is instead of). HTML in it is made clean as by sanitizeHtml, and so is all else; what
 * Markdown itself can say stays, too (`class="language-..."` of code, the boxes of tasks, footnotes).
 *
 * Errors: ERR_INVALID_ARG_TYPE; ERR_INVALID_DATA for a text of more than 4 MiB, and for HTML as sanitizeHtml has it (quotes and lists count as elements within each other); ERR_OUTPUT_TOO_LARGE
 * for more than 32 MiB of HTML that is to be made clean, or 256 MiB; ERR_OUT_OF_MEMORY. Working memory: up to 200 bytes for each of the text's. Stops within: the time of rendering, and then
 * of parsing the HTML, neither of which can pause: some 20 ms for each MiB of prose, 1000 ms for the worst (every second character a mark). Source: spec.commonmark.org/0.31.2,
 * github.github.com/gfm.
 *
 * Runs on the threads of a pool.
 */
export function renderMarkdown(text: string | Bytes, options?: TaskOptions & RenderMarkdownOptions): Promise<string>
export namespace renderMarkdown {
  const kernel: 'renderMarkdown'
}

/**
 * {@link renderMarkdown} on libuv's thread pool, as an N-API AsyncTask.
 */
export function renderMarkdownAsync(
  text: string | Bytes,
  options?: AsyncOptions & RenderMarkdownOptions,
): Promise<string>
export namespace renderMarkdownAsync {
  const kernel: 'renderMarkdown'
}

/**
 * {@link renderMarkdown} on the calling thread.
 */
export function renderMarkdownSync(text: string | Bytes, options?: SyncOptions & RenderMarkdownOptions): string
export namespace renderMarkdownSync {
  const kernel: 'renderMarkdown'
}

/**
 * `html` as a fragment, without anything that runs or leaves its place: parsed as browsers parse it, and written anew of what is allowed. Tags that are not go, and their
 * content stays (of script, style and template it goes, too); comments go; links (`<a>` and `<area>`) get `rel="noopener noreferrer"`, and addresses are relative or of a known harmless scheme
 * (http, https, mailto, tel, ...). By default the tags and attributes stay that texts are written with, without classes, ids and styles.
 *
 * Errors: ERR_INVALID_ARG_TYPE; ERR_INVALID_ARG_VALUE for tags and attributes that could run; ERR_INVALID_DATA for HTML of more than 8 MiB, with more than 256 elements within each
 * other, a tag with more than 512 attributes, thousands of different tags, or formatting within formatting (or never closed) in thousands of places; ERR_OUTPUT_TOO_LARGE for more than 256 MiB;
 * ERR_OUT_OF_MEMORY. Working memory: up to 50 bytes for each of the HTML's. Stops within: the time of parsing, which cannot pause: some 80 ms for each MiB of a page, 300 ms for the worst.
 *
 * Runs on the threads of a pool.
 */
export function sanitizeHtml(html: string | Bytes, options?: TaskOptions & SanitizeHtmlOptions): Promise<string>
export namespace sanitizeHtml {
  const kernel: 'sanitizeHtml'
}

/**
 * {@link sanitizeHtml} on libuv's thread pool, as an N-API AsyncTask.
 */
export function sanitizeHtmlAsync(html: string | Bytes, options?: AsyncOptions & SanitizeHtmlOptions): Promise<string>
export namespace sanitizeHtmlAsync {
  const kernel: 'sanitizeHtml'
}

/**
 * {@link sanitizeHtml} on the calling thread.
 */
export function sanitizeHtmlSync(html: string | Bytes, options?: SyncOptions & SanitizeHtmlOptions): string
export namespace sanitizeHtmlSync {
  const kernel: 'sanitizeHtml'
}

/**
 * `html` as Markdown (CommonMark, with GitHub's tables): headings with `#`, lists, links, images, emphasis, quotes, code, tables. Of script, style, head and the like nothing is left. What
 * is text is the same text when it is rendered; where Markdown has no way to say something (emphasis that ends within a word after a `!`, a line break in a heading or a cell), a tag of HTML is
 * there. It does not make HTML safe: addresses come through as they are, so sanitise what is rendered of it.
 *
 * Errors: ERR_INVALID_ARG_TYPE; ERR_INVALID_DATA as sanitizeHtml; ERR_OUTPUT_TOO_LARGE for more than 256 MiB (each line within 250 quotes begins with 250 marks); ERR_OUT_OF_MEMORY. Working
 * memory: up to 50 bytes for each of the HTML's, and the result. Stops within: as sanitizeHtml.
 *
 * Runs on the threads of a pool.
 */
export function htmlToMarkdown(html: string | Bytes, options?: TaskOptions): Promise<string>
export namespace htmlToMarkdown {
  const kernel: 'htmlToMarkdown'
}

/**
 * {@link htmlToMarkdown} on libuv's thread pool, as an N-API AsyncTask.
 */
export function htmlToMarkdownAsync(html: string | Bytes, options?: AsyncOptions): Promise<string>
export namespace htmlToMarkdownAsync {
  const kernel: 'htmlToMarkdown'
}

/**
 * {@link htmlToMarkdown} on the calling thread.
 */
export function htmlToMarkdownSync(html: string | Bytes, options?: SyncOptions): string
export namespace htmlToMarkdownSync {
  const kernel: 'htmlToMarkdown'
}

/**
 * Every match of `pattern` in `text`: `[start, end)` in UTF-16 units, as JavaScript counts, and its groups (the first is `groups[0]`; null where it took no
 * part). Empty matches are found as the Rust crate regex finds them. One search takes time linear in the text, whatever pattern and text are: there is no backtracking. All matches take as many
 * searches, and one that looks far ahead of where its match ends (`.*[^A-Z]|[A-Z]` over letters) makes them quadratic together: then `limit` and `timeout` are what bounds it.
 *
 * Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE (also for a pattern that is none, or too large when compiled), ERR_OUT_OF_RANGE; ERR_OUTPUT_TOO_LARGE
 * for groups of more than 256 MiB; ERR_OUT_OF_MEMORY. Working memory: the text in UTF-8, and the matches. Stops within: the search for one match, some 1 ms for each MiB
 * that has none, 50 ms for the worst patterns. Patterns are compiled once, on the pool; the last 32 are kept.
 *
 * Runs on the threads of a pool.
 */
export function matchText(
  text: string | Bytes,
  options: TaskOptions & MatchTextOptions,
): Promise<{ start: number; end: number; groups: (string | null)[] }[]>
export namespace matchText {
  const kernel: 'matchText'
}

/**
 * {@link matchText} on libuv's thread pool, as an N-API AsyncTask.
 */
export function matchTextAsync(
  text: string | Bytes,
  options: AsyncOptions & MatchTextOptions,
): Promise<{ start: number; end: number; groups: (string | null)[] }[]>
export namespace matchTextAsync {
  const kernel: 'matchText'
}

/**
 * {@link matchText} on the calling thread.
 */
export function matchTextSync(
  text: string | Bytes,
  options: SyncOptions & MatchTextOptions,
): { start: number; end: number; groups: (string | null)[] }[]
export namespace matchTextSync {
  const kernel: 'matchText'
}

/**
 * `text` with every match of `pattern` replaced by `replacement`, in which `$1` and `${1}` stand for a group, `${name}` for a group with a name, `$0` for the match, `$$` for a
 * dollar. A group that took no part, or is none, is empty. (`$1a` is the group named `1a`: write `${1}a`.) Each search is linear in the text, all together need not be: see matchText.
 *
 * Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE (also for a pattern that is none, or too large when compiled); ERR_OUTPUT_TOO_LARGE if the result could be longer
 * than 256 MiB; ERR_OUT_OF_MEMORY. Working memory: the text in UTF-8, and the result. Stops within: as matchText.
 *
 * Runs on the threads of a pool.
 */
export function replaceText(text: string | Bytes, options: TaskOptions & ReplaceTextOptions): Promise<string>
export namespace replaceText {
  const kernel: 'replaceText'
}

/**
 * {@link replaceText} on libuv's thread pool, as an N-API AsyncTask.
 */
export function replaceTextAsync(text: string | Bytes, options: AsyncOptions & ReplaceTextOptions): Promise<string>
export namespace replaceTextAsync {
  const kernel: 'replaceText'
}

/**
 * {@link replaceText} on the calling thread.
 */
export function replaceTextSync(text: string | Bytes, options: SyncOptions & ReplaceTextOptions): string
export namespace replaceTextSync {
  const kernel: 'replaceText'
}

// For `pool.run('name', input)` and `pool.map`.
declare module '../../index.js' {
  interface Kernels {
    countTokens: { input: string | Bytes; options: CountTokensOptions; output: number }
    truncateToTokens: { input: string | Bytes; options: TruncateToTokensOptions; output: string }
    renderMarkdown: { input: string | Bytes; options: RenderMarkdownOptions; output: string }
    sanitizeHtml: { input: string | Bytes; options: SanitizeHtmlOptions; output: string }
    htmlToMarkdown: { input: string | Bytes; options: object; output: string }
    matchText: {
      input: string | Bytes
      options: MatchTextOptions
      output: { start: number; end: number; groups: (string | null)[] }[]
    }
    replaceText: { input: string | Bytes; options: ReplaceTextOptions; output: string }
  }
}
