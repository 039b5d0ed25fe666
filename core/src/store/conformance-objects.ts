import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ConformanceBench } from './conformance.ts';
import { objectBytesMax } from './objects.ts';

/** Small JSON documents that are read as soon as they are written, by several processes. */
export function objectsConformance({ store, stream }: ConformanceBench): void {
  const { objects } = store;
  const kind = `k_${stream.slice(-12)}`;

  it('keeps a value as it is, and tells who was slower', async () => {
    assert.equal(await objects.get(kind, 'one'), undefined);
    assert.deepEqual(await objects.list(kind, { size: 10 }), []);
    const value = JSON.parse('{"a":{"b":[1,null,"x"]},"a.b":2,"__proto__":{"c":"text"},"when":"2026-11-22"}');
    const first = await objects.put(kind, 'one', value, 'new');
    assert.ok(first);
    assert.equal(await objects.put(kind, 'one', { late: true }, 'new'), undefined);
    const found = await objects.get(kind, 'one');
    assert.deepEqual(found, { id: 'one', version: first, value });
    assert.deepEqual(await objects.list(kind, { size: 10 }), [found]);
    const second = await objects.put(kind, 'one', { a: 'of another type' }, first);
    assert.ok(second !== undefined && second !== first);
    assert.equal(await objects.put(kind, 'one', { late: true }, first), undefined);
    const third = await objects.put(kind, 'one', [1, 2]);
    assert.deepEqual(await objects.get(kind, 'one'), { id: 'one', version: third, value: [1, 2] });
    assert.equal(await objects.delete(kind, 'one', second), false);
    assert.equal(await objects.delete(kind, 'one', third), true);
    assert.equal(await objects.delete(kind, 'one'), false);
    assert.equal(await objects.put(kind, 'one', { late: true }, third), undefined);
    assert.equal(await objects.get(kind, 'one'), undefined);
    assert.deepEqual(await objects.list(kind, { size: 10 }), []);
  });

  it('lets one of many writers through at a time', async () => {
    await objects.put(kind, 'counter', { count: 0 }, 'new');
    const add = async (): Promise<void> => {
      const stored = await objects.get(kind, 'counter');
      const { count } = (stored?.value ?? {}) as { count: number };
      if ((await objects.put(kind, 'counter', { count: count + 1 }, stored?.version)) === undefined)
        await add();
    };
    await Promise.all(Array.from({ length: 8 }, add));
    assert.deepEqual((await objects.get(kind, 'counter'))?.value, { count: 8 });
    await objects.delete(kind, 'counter');
  });

  it('lists one kind in order of id, page by page, as of now', async () => {
    for (const id of ['b', 'a', 'c~1.x-Y_']) await objects.put(kind, id, { id }, 'new');
    await objects.put(`${kind}x`, 'a', {}, 'new');
    const ids = async (page: { after?: string; size: number }) =>
      (await objects.list(kind, page)).map(({ id }) => id);
    assert.deepEqual(await ids({ size: 2 }), ['a', 'b']);
    assert.deepEqual(await ids({ size: 2, after: 'b' }), ['c~1.x-Y_']);
    const [listed] = await objects.list(kind, { size: 1 });
    assert.deepEqual(listed, await objects.get(kind, 'a'));
    for (const id of ['b', 'a', 'c~1.x-Y_']) assert.equal(await objects.delete(kind, id), true);
    assert.equal(await objects.delete(`${kind}x`, 'a'), true);
    assert.deepEqual(await ids({ size: 10 }), []);
  });

  it('refuses names that are none, versions that are none, and values that are too large', async () => {
    const code = 'STORE_REJECTED';
    for (const [badKind, id] of [
      ['', 'a'],
      ['K', 'a'],
      [kind, ''],
      [kind, 'a/b'],
      [kind, 'a'.repeat(129)],
    ] as const) {
      await assert.rejects(objects.get(badKind, id), { code });
      await assert.rejects(objects.put(badKind, id, {}), { code });
      await assert.rejects(objects.delete(badKind, id), { code });
    }
    await assert.rejects(objects.put(kind, 'a', {}, 'x'), { code });
    await assert.rejects(objects.put(kind, 'a', 'x'.repeat(objectBytesMax)), { code });
    await assert.rejects(objects.put(kind, 'a', undefined), { code });
  });
}
