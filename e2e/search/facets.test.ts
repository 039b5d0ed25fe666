import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { jsonRule, type LogFile } from '../harness/log-blocks.ts';
import { type LoadedLine, loadLines } from '../harness/log-lines.ts';
import { forgetStream, openStore, searchEngines, uniqueStream } from '../harness/search-engines.ts';
import { type SearchServer, startSearchServer } from '../harness/search-server.ts';
import { eventually } from '../harness/stack.ts';

/** Answers are looked at member by member; what is missing fails the assertion. */
// biome-ignore lint/suspicious/noExplicitAny: the shape is what the tests assert
type AnyJson = any;

const minute = 60_000;
const nowMs = Math.floor(Date.now() / minute) * minute;
/** Two times of 30 minutes; the later one ends now. */
const middleMs = nowMs - 30 * minute;
const startMs = nowMs - 60 * minute;
const users = ['ann', 'bob', 'cho', 'dan', 'eve', 'fay'];

/** Lines of an earlier and a later half: a new message, one that is gone, one that is much more often. */
function linesOf(half: 0 | 1): LogFile {
  const lines: string[] = [];
  for (let i = 0; i < 600; i++) {
    const user = { name: users[i % users.length], id: i % 7 };
    const level = i % 10 === 0 ? 'error' : i % 3 === 0 ? 'warn' : 'info';
    lines.push(
      JSON.stringify({ msg: `login of ${user.name} took ${i}ms`, level, user, took: i / 10, code: i % 4 }),
    );
    if (half === 1 && i % 6 === 0) lines.push(JSON.stringify({ msg: `disk ${i} is full`, level: 'error' }));
    if (half === 0 && i % 60 === 0) lines.push(JSON.stringify({ msg: 'old cache is swept', level: 'info' }));
    if (i % (half === 0 ? 100 : 10) === 0)
      lines.push(JSON.stringify({ msg: `connection from 10.0.0.${i % 256} refused`, tags: ['net', 'tcp'] }));
  }
  const from = half === 0 ? startMs : middleMs;
  return {
    lines,
    rule: jsonRule,
    host: half === 0 ? 'web-1' : 'web-2',
    tag: 'app',
    capturedMs: (i) => from + Math.floor((i / lines.length) * 30 * minute),
  };
}

for (const engine of searchEngines()) {
  describe(`counts of ${engine.type}`, () => {
    const stream = uniqueStream('facets');
    let server: SearchServer;
    let loaded: LoadedLine[];
    const time = { from: new Date(startMs).toISOString(), to: new Date(nowMs).toISOString() };

    before(async () => {
      loaded = await loadLines(engine, stream, [linesOf(0), linesOf(1)]);
      server = await startSearchServer(engine, { archive: engine.archive });
    });
    after(async () => {
      await server.stop();
      await forgetStream(engine, stream);
    });

    async function get(path: string, parameters: Record<string, string> = {}): Promise<AnyJson> {
      const all = new URLSearchParams({ stream, ...time, ...parameters });
      const response = await fetch(`${server.url}/api/v1/${path}?${all}`);
      const body: AnyJson = await response.json();
      assert.equal(response.status, 200, JSON.stringify(body));
      return body;
    }

    const fieldsOf = ({ source }: LoadedLine) => (source.fields ?? {}) as AnyJson;
    const levelOf = ({ source }: LoadedLine) => (source.log as AnyJson).level as string | undefined;

    it('facets are counted as by hand', async () => {
      const { total, facets, partial } = await get('facets', {
        fields: 'level,user.name,user.id,host,tags,took,usr.name',
        size: '3',
      });
      assert.deepEqual([total, partial], [loaded.length, []]);
      const [level, name, id, host, tags, took, wrong] = facets;
      checkFacet(
        level,
        loaded.map((line) => [levelOf(line)]),
        3,
      );
      checkFacet(
        name,
        loaded.map((line) => [fieldsOf(line).user?.name]),
        3,
      );
      checkFacet(
        id,
        loaded.map((line) => [fieldsOf(line).user?.id]),
        3,
      );
      checkFacet(
        host,
        loaded.map(({ source }) => [(source.host as AnyJson).name]),
        3,
      );
      checkFacet(
        tags,
        loaded.map((line) => fieldsOf(line).tags ?? []),
        3,
      );
      checkFacet(
        took,
        loaded.map((line) => [fieldsOf(line).took]),
        3,
      );
      assert.deepEqual([wrong.values, wrong.missing], [[], loaded.length]);
      assert.match(wrong.hint, /did you mean user\.name\?/);
    });

    it('facets are of what the query finds', async () => {
      const { facets } = await get('facets', { q: 'level:error "is full"', fields: 'level,host' });
      assert.deepEqual(
        facets.map(({ values }: AnyJson) => values),
        [[{ value: 'error', count: 100 }], [{ value: 'web-2', count: 100 }]],
      );
    });

    it('names of fields and their values complete what is typed', async () => {
      const { fields, sampled } = await get('fields');
      assert.equal(sampled, 500);
      const found = new Map<string, AnyJson>(fields.map((field: AnyJson) => [field.name, field]));
      assert.equal(found.get('took')?.kind, 'number');
      assert.equal(found.get('user.name')?.kind, 'keyword');
      assert.equal(found.get('fields.user.name')?.kind, 'text');
      assert.equal(found.get('host.name')?.share, 1);
      assert.ok(found.get('took')?.share > 0.5);
      const values = async (field: string, prefix: string) =>
        (await get('fields/values', { field, prefix })).values;
      assert.deepEqual(await values('user.name', 'a'), [{ value: 'ann', count: 200 }]);
      assert.deepEqual(await values('host', 'web-'), [
        {
          value: 'web-2',
          count: loaded.filter(({ source }) => (source.host as AnyJson).name === 'web-2').length,
        },
        {
          value: 'web-1',
          count: loaded.filter(({ source }) => (source.host as AnyJson).name === 'web-1').length,
        },
      ]);
      assert.deepEqual(await values('level', 'zz'), []);
    });

    it('figures of a field are those of its values', async () => {
      const took = await get('fields/stats', { field: 'took' });
      assert.deepEqual(
        [took.count, took.missing, took.min, took.max, took.sampled],
        [1200, loaded.length - 1200, 0, 59.9, 1200],
      );
      assert.ok(
        Math.abs(took.avg - 29.95) < 0.01 && Math.abs(took.p50 - 29.9) < 0.2 && Math.abs(took.p95 - 57) < 0.2,
      );
      const offset = await get('fields/stats', { field: 'log.offset' });
      const offsets = loaded.map(({ source }) => (source.log as AnyJson).offset as number);
      assert.deepEqual([offset.min, offset.max], [0, Math.max(...offsets)]);
      const at = await get('fields/stats', { field: '@timestamp' });
      assert.equal(at.min, time.from);
    });

    it('a histogram by a field has the same counts as one without, empty stretches included', async () => {
      const early = new Date(startMs - 20 * minute).toISOString();
      const plain = await get('histogram', { from: early, interval: '5m' });
      for (const by of ['log.level', 'level', 'user.name', 'code']) {
        const { buckets, partial } = await get('histogram', { from: early, interval: '5m', by });
        assert.deepEqual(partial, []);
        assert.deepEqual(
          buckets.map(({ from, count }: AnyJson) => ({ from, count })),
          plain.buckets,
        );
        for (const bucket of buckets) {
          const named = Object.values(bucket.by as Record<string, number>).reduce(
            (sum, count) => sum + count,
            0,
          );
          assert.equal(named + bucket.other, bucket.count);
        }
      }
      assert.equal(plain.buckets[0].count, 0);
      const levels = (await get('histogram', { interval: '1h', by: 'log.level' })).buckets;
      const errors = levels.reduce((sum: number, { by }: AnyJson) => sum + (by.error ?? 0), 0);
      assert.equal(errors, loaded.filter((line) => levelOf(line) === 'error').length);
    });

    it('patterns are what messages have in common, and their queries find them', async () => {
      const { patterns, total, sampled } = await get('patterns', { order: 'common' });
      assert.deepEqual([total, sampled], [loaded.length, loaded.length]);
      assert.deepEqual(
        patterns.map(({ template, count }: AnyJson) => `${count} ${template}`),
        [
          '1200 login of <*> took <duration>',
          '100 disk <num> is full',
          '66 connection from <ip> refused',
          '10 old cache is swept',
        ],
      );
      assert.equal((await get('patterns')).patterns[0].template, 'old cache is swept');
      for (const { query, count, example } of patterns) {
        assert.equal((await get('search', { q: query, size: '0' })).total.value, count, query);
        assert.ok(loaded.some(({ id }) => id === example.id));
      }
    });

    it('of more events than may be looked at, patterns and their counts are estimated from all of the time', async () => {
      const small = await startSearchServer(engine, { config: { limits: { patterns_sample_max: 600 } } });
      try {
        const all = new URLSearchParams({ stream, ...time, order: 'common' });
        const answer: AnyJson = await (await fetch(`${small.url}/api/v1/patterns?${all}`)).json();
        assert.ok(answer.sampled <= 600 && answer.total === loaded.length);
        const sum = answer.patterns.reduce((counts: number, { count }: AnyJson) => counts + count, 0);
        assert.ok(Math.abs(sum - loaded.length) <= answer.patterns.length);
        assert.ok(
          answer.patterns.some(({ template }: AnyJson) => template === 'connection from <ip> refused'),
        );
      } finally {
        await small.stop();
      }
    });

    it('two times are compared: what is new, gone, and more often', async () => {
      const answer = await get('compare', { from: new Date(middleMs).toISOString() });
      const shown = (list: AnyJson) =>
        list.map(({ template, before, after }: AnyJson) => [template, before, after]);
      assert.deepEqual(shown(answer.new), [['disk <num> is full', 0, 100]]);
      assert.deepEqual(shown(answer.gone), [['old cache is swept', 10, 0]]);
      assert.deepEqual(shown(answer.changed), [['connection from <ip> refused', 6, 60]]);
      assert.equal(answer.totals.before + answer.totals.after, loaded.length);
      assert.equal(answer.new[0].example.host, 'web-2');
      assert.deepEqual(answer.totals.levels.error, { before: 60, after: 160 });
    });

    it('says how far the stream is, and what is in the archive only', async () => {
      const response = await fetch(`${server.url}/api/v1/status`);
      const status: AnyJson = await response.json();
      assert.equal(status.store, 'ok');
      const own = status.streams.find((each: AnyJson) => each.stream === stream);
      assert.equal(
        Date.parse(own.newest_event),
        Math.max(...loaded.map(({ source }) => Date.parse(String(source['@timestamp'])))),
      );
      assert.ok(Date.parse(own.newest_ingested) >= nowMs);
      const store = await openStore(engine);
      await store.moveHorizon(stream, '2026.01.02');
      await store.close();
      // Servers keep horizons for seconds.
      const older = await eventually('the horizon is known', 15, async () => {
        const { partial } = await get('facets', { from: '2026-01-01' });
        return partial.length > 0 ? partial : undefined;
      });
      assert.equal(older[0].code, 'archive_not_counted');
      assert.deepEqual((await get('facets')).partial, []);
    });
  });
}

/** The facet that these values, of one event each, must have. */
function checkFacet(facet: AnyJson, events: unknown[][], size: number): void {
  const counts = new Map<string, number>();
  let having = 0;
  for (const values of events) {
    const present = new Set(values.filter((value) => value !== undefined).map(String));
    for (const value of present) counts.set(value, (counts.get(value) ?? 0) + 1);
    if (present.size > 0) having++;
  }
  const label = facet.field;
  assert.equal(facet.missing, events.length - having, label);
  assert.equal(facet.distinct, counts.size, label);
  const most = [...counts.values()].sort((a, b) => b - a).slice(0, size);
  assert.deepEqual(
    facet.values.map(({ count }: AnyJson) => count),
    most,
    label,
  );
  for (const { value, count } of facet.values)
    assert.equal(counts.get(String(value)), count, `${label} ${value}`);
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
  assert.equal(facet.other, all - most.reduce((sum, count) => sum + count, 0), label);
}
