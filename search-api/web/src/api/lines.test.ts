import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LineSplitter } from './lines.ts';

test('lines are whole however the network cuts them', () => {
  const line = fc.stringMatching(/^[a-z{}":]{1,12}$/);
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.nat(20)), fc.boolean(), (lines, cuts, ended) => {
      const text = lines.join('\n') + (ended && lines.length > 0 ? '\n' : '');
      const splitter = new LineSplitter();
      const found: string[] = [];
      let at = 0;
      for (const cut of cuts) {
        found.push(...splitter.push(text.slice(at, at + cut)));
        at += cut;
      }
      found.push(...splitter.push(text.slice(at)), ...splitter.end());
      assert.deepEqual(found, lines);
    }),
  );
});
