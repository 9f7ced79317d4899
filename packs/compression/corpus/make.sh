#!/usr/bin/env bash
# Makes the corpus anew: inputs (NAME.in), and what the formats' own tools make of them (NAME.HOW.EXTENSION). With Debian 12's gzip 1.12,
# pigz 2.6, zstd 1.5.4 and brotli 1.0.9. To be run by hand; other versions may give other bytes of the same meaning.
set -euo pipefail
cd "$(dirname "$0")"
rm -f ./*.in ./*.gz ./*.zz ./*.zst ./*.br

: > empty.in
# Words that come again and again, some close by and some far away.
awk 'BEGIN {
  split("the of and queue thread task buffer result request answer signal morsel section window", word)
  x = 1
  for (line = 0; line < 400; line++) {
    for (i = 0; i < 8; i++) { x = (x * 1103515245 + 12345) % 2147483648; printf "%s ", word[int(x / 65536) % 14 + 1] }
    print line * 7
  }
}' > words.in
# Nothing that could be compressed.
LC_ALL=C awk 'BEGIN { x = 1; for (i = 0; i < 3000; i++) { x = (x * 1103515245 + 12345) % 2147483648; printf "%c", int(x / 65536) % 255 + 1 } }' > noise.in
# Much of nothing, in few bytes.
head -c 300000 /dev/zero > zeros.in

for input in empty words noise zeros; do
  gzip -9nc $input.in > $input.9.gz
  zstd -qc -3 --check $input.in > $input.3.zst
  brotli -cq 11 $input.in > $input.11.br
  pigz -zc $input.in > $input.6.zz
done
gzip -1nc words.in > words.1.gz
# With a name, a comment, a time, extra bytes and the header's own checksum; and text in stored blocks.
python3 - <<'PYTHON'
import struct, zlib
data = open('words.in', 'rb').read()
deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
body = deflate.compress(data) + deflate.flush()
head = b'\x1f\x8b\x08\x1f' + struct.pack('<I', 1700000000) + b'\x00\x03' + struct.pack('<H', 6) + b'HL\x02\x00ab' + b'words.in\x00' + b'made by hand\x00'
head += struct.pack('<H', zlib.crc32(head) & 0xffff)
open('words.header.gz', 'wb').write(head + body + struct.pack('<II', zlib.crc32(data), len(data)))
stored = zlib.compressobj(0)
open('words.stored.zz', 'wb').write(stored.compress(data) + stored.flush())
PYTHON
pigz -kc -p 2 -b 128 zeros.in > zeros.pigz.gz
head -c 9000 words.in | gzip -nc > words.two.gz
tail -c +9001 words.in | gzip -nc >> words.two.gz
head -c 9000 words.in | zstd -qc > words.two.zst
tail -c +9001 words.in | zstd -qc >> words.two.zst
zstd -qc -19 --no-check words.in > words.19.zst
zstd -qc --ultra -22 --long=27 --check < words.in > words.long.zst
# A skippable frame before and behind.
{ printf '\x50\x2a\x4d\x18\x03\x00\x00\x00abc'; cat words.3.zst; printf '\x5f\x2a\x4d\x18\x00\x00\x00\x00'; } > words.skip.zst
brotli -cq 4 words.in > words.4.br
brotli -cq 9 -w 10 words.in > words.small.br
brotli -cq 0 words.in > words.0.br
# Its tests know what it is.
rm zeros.in
