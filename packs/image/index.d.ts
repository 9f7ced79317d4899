// Generated from the pack's own table by `npm run generate`.

import type { AsyncOptions, Bytes, SyncOptions, TaskOptions } from '../../index.js'

/** What `resizeImage` takes beside the options of every task. */
export interface ResizeImageOptions {
  /** Pixels of a row, 1..65535. Default: as `height` and the aspect give it. */
  width?: number | undefined
  /** Pixels of a column, 1..65535. Default: as `width` and the aspect give it. */
  height?: number | undefined
  /** If both are given: as large as fits inside (default), just so large that it covers them and its middle cut out, or stretched. */
  fit?: 'inside' | 'cover' | 'fill' | undefined
  /** Of the output. Default: the input's; PNG for GIF. */
  format?: 'jpeg' | 'png' | 'webp' | undefined
  /** Of JPEG and WebP, 1..100. Default 80. */
  quality?: number | undefined
  /** Whether it may become larger than it is. Default false. */
  enlarge?: boolean | undefined
  /** Most pixels of `image`, >= 1. Default 268402689 (16383 squared). */
  limitInputPixels?: number | undefined
}

/**
 * Decodes a JPEG, PNG, WebP or GIF (of an animated one the first frame), scales it, and encodes it. Only one of `width` and `height` keeps the
 * aspect; neither encodes anew. EXIF's orientation is applied. Metadata is dropped; colour profiles are not converted. What is transparent
 * becomes black in a JPEG.
 *
 * `image`: a Buffer, a view, or an ArrayBuffer.
 *
 * Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE, ERR_OUT_OF_MEMORY; ERR_INVALID_DATA if the image is broken or cut off;
 * ERR_OUTPUT_TOO_LARGE, before decoding, past `limitInputPixels` and where a side has more than 131072 pixels, and if the output has longer sides
 * or more pixels than its format holds. Working memory, as it is estimated: 48 bytes for each byte of `image`, at most 4 for each pixel of the limit;
 * what is compressed better than that takes up to 12 a pixel. Stops within: 50 ms; but encoding a WebP is one call, of about 100 ms for each megapixel of
 * the output, and so is decoding a lossless WebP whose pixels take next to no bytes (all of one colour), of about 7 ms for each megapixel. Sources: ITU-T
 * T.81; RFC 2083; RFC 9649.
 *
 * Runs on the threads of a pool.
 */
export function resizeImage(image: Bytes, options?: TaskOptions & ResizeImageOptions): Promise<Buffer>
export namespace resizeImage {
  const kernel: 'resizeImage'
}

/**
 * {@link resizeImage} on libuv's thread pool, as an N-API AsyncTask.
 */
export function resizeImageAsync(image: Bytes, options?: AsyncOptions & ResizeImageOptions): Promise<Buffer>
export namespace resizeImageAsync {
  const kernel: 'resizeImage'
}

/**
 * {@link resizeImage} on the calling thread.
 */
export function resizeImageSync(image: Bytes, options?: SyncOptions & ResizeImageOptions): Buffer
export namespace resizeImageSync {
  const kernel: 'resizeImage'
}

/**
 * What the header of a JPEG, PNG, WebP or GIF says: `format` ('jpeg', 'png', 'webp', 'gif'), `width` and `height` as shown, with the orientation
 * applied, `orientation` (EXIF's, 1 to 8), and `hasAlpha`. No pixel is decoded: that it resolves does not mean that the rest can be read.
 *
 * `image`: a Buffer, a view, or an ArrayBuffer.
 *
 * Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_DATA, ERR_OUT_OF_MEMORY. Takes microseconds.
 *
 * Runs on the threads of a pool.
 */
export function imageInfo(
  image: Bytes,
  options?: TaskOptions,
): Promise<{ format: string; width: number; height: number; orientation: number; hasAlpha: boolean }>
export namespace imageInfo {
  const kernel: 'imageInfo'
}

/**
 * {@link imageInfo} on libuv's thread pool, as an N-API AsyncTask.
 */
export function imageInfoAsync(
  image: Bytes,
  options?: AsyncOptions,
): Promise<{ format: string; width: number; height: number; orientation: number; hasAlpha: boolean }>
export namespace imageInfoAsync {
  const kernel: 'imageInfo'
}

/**
 * {@link imageInfo} on the calling thread.
 */
export function imageInfoSync(
  image: Bytes,
  options?: SyncOptions,
): { format: string; width: number; height: number; orientation: number; hasAlpha: boolean }
export namespace imageInfoSync {
  const kernel: 'imageInfo'
}

// For `pool.run('name', input)` and `pool.map`.
declare module '../../index.js' {
  interface Kernels {
    resizeImage: { input: Bytes; options: ResizeImageOptions; output: Buffer }
    imageInfo: {
      input: Bytes
      options: object
      output: { format: string; width: number; height: number; orientation: number; hasAlpha: boolean }
    }
  }
}
