// Makes the photo that the job `thumbnails` is about, six megapixels, always the same bytes with the same sharp:
//   node examples/comparison/photo/make.mjs
import { writeFile } from 'node:fs/promises'
import { photo } from '../../../packs/image/__test__/helpers/images.mjs'

await writeFile(new URL('photo.jpg', import.meta.url), await photo(3000, 2000, { quality: 70 }))
