// Lists what the package is made of, as CycloneDX: its npm dependencies, and the crates of each binary.
//
//   node scripts/sbom.mjs [FOLDER]     FOLDER is target/sbom; needs cargo-cyclonedx: cargo install --locked cargo-cyclonedx
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = resolve(process.argv[2] ?? join(root, 'target', 'sbom'))
mkdirSync(folder, { recursive: true })

const npm = execFileSync('npm', ['sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev'], {
  cwd: root,
  encoding: 'utf8',
})
writeFileSync(join(folder, 'npm.cdx.json'), npm)

// It writes one beside each Cargo.toml.
const NAME = 'bom.cdx'
execFileSync('cargo', ['cyclonedx', '--quiet', '--format', 'json', '--target', 'all', '--override-filename', NAME], {
  cwd: root,
  stdio: 'inherit',
})
const metadata = execFileSync('cargo', ['metadata', '--format-version', '1', '--no-deps', '--locked'], {
  cwd: root,
  encoding: 'utf8',
  maxBuffer: 1 << 28,
})
for (const { name, manifest_path } of JSON.parse(metadata).packages) {
  const written = join(dirname(manifest_path), `${NAME}.json`)
  // The addon, and the packs.
  const isPublished =
    dirname(manifest_path) === resolve(root) || dirname(dirname(manifest_path)) === join(resolve(root), 'packs')
  if (isPublished) renameSync(written, join(folder, `${name}.cdx.json`))
  else rmSync(written, { force: true })
}
const count = (file) => JSON.parse(readFileSync(join(folder, file), 'utf8')).components.length
console.log(
  `${folder}: heavy-load.cdx.json names ${count('heavy-load.cdx.json')} crates, npm.cdx.json ${count('npm.cdx.json')} packages`,
)
