import { type FakeObjectStore, fakeObjectStore } from '@millrace/archive/testing/fake-object-store.ts';
import { encodeFooter } from '@millrace/core/archive/encode-footer.ts';
import { FooterBuilder } from '@millrace/core/archive/footer-builder.ts';
import { archiveKey } from '@millrace/core/archive/key.ts';
import { createRenderer } from '@millrace/core/document/render.ts';
import { blockId } from '@millrace/core/ids/block-id.ts';
import { blockOf } from '@millrace/core/testing/blocks.ts';
import { encodeBlock } from '@millrace/core/wire/encode.ts';
import { blockRecords } from '@millrace/core/wire/records.ts';

export interface SmallArchive {
  objects: FakeObjectStore;
  /** Adds an object with one block for each list of lines, and returns its key. */
  add(options: { blocks: string[][]; rule?: string; host?: string; capturedMs?: number }): string;
}

export const smallArchiveMs = Date.UTC(2026, 1, 3, 4);

/** An archive in memory of a few objects. */
export function smallArchive(): SmallArchive {
  const objects = fakeObjectStore();
  const renderer = createRenderer();
  let sequence = 0;
  let offset = 0;
  return {
    objects,
    add({ blocks, rule, host = 'h', capturedMs = smallArchiveMs }) {
      const builder = new FooterBuilder('logs');
      const parts: Buffer[] = [];
      const first = String(++sequence);
      for (const lines of blocks) {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const { header, payload } = blockOf([{ bytes, from: offset, capturedMs, multiline: false }], rule);
        header.host = host;
        offset += bytes.length;
        const encoded = encodeBlock(header, payload);
        const id = blockId(encoded);
        builder.add({ length: encoded.length, id, arrivalMs: capturedMs, sequence: first }, header);
        const block = { header, payload };
        renderer.renderBlock(block, blockRecords(block), ({ index }) =>
          builder.addDay(index.slice('millrace-logs-'.length), 1),
        );
        parts.push(encoded);
      }
      const key = archiveKey({
        prefix: '',
        stream: 'logs',
        hourMs: smallArchiveMs,
        shard: 's-1',
        firstSequence: first,
        suffix: '00000000',
      });
      const body = Buffer.concat([...parts, encodeFooter(builder.build())]);
      objects.objects.set(key, { bytes: body, modifiedMs: smallArchiveMs });
      return key;
    },
  };
}
