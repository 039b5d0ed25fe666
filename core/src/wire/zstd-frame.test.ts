import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { payloadBytesMax } from './block.ts';
import { compressFrame, decompressFrame, FrameCompressor } from './zstd-frame.ts';

test('one compressor makes frame after frame, each as if it were the first', async () => {
  const compressor = new FrameCompressor(payloadBytesMax);
  const line = Buffer.from('10.0.0.1 - - [01/Jan/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 512\n');
  const contents = [
    line,
    Buffer.alloc(payloadBytesMax, line),
    // Grows a little, so that it needs all the room there is.
    randomBytes(payloadBytesMax),
    randomBytes(1),
    Buffer.alloc(300_000, line),
    randomBytes(payloadBytesMax - 1),
  ];
  for (const content of contents) {
    const frame = await compressor.compress(content);
    assert.ok(compressFrame(content).equals(frame), `frame of ${content.length} bytes`);
    assert.ok(decompressFrame(frame, content.length).equals(content));
  }
});

test('a compressor uses its memory again', async () => {
  const compressor = new FrameCompressor(payloadBytesMax);
  const memory = new Set<ArrayBufferLike>();
  for (let i = 0; i < 20; i++) memory.add((await compressor.compress(randomBytes(300_000))).buffer);
  assert.equal(memory.size, 1);
});
