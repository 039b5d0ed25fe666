import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readLoaderConfig } from './config.ts';
import { loadStatements, manifestOf, refusedStatement } from './copy.ts';
import { createdObjects } from './created-objects.ts';
import { type LoaderOptions, load, type Warehouse } from './loader.ts';

const target = {
  bucket: 'example-logs',
  prefix: 'team/',
  copyRoleArn: 'arn:aws:iam::123456789012:role/copy',
  schema: 'public',
};
const key = 'team/ndjson/logs/dt=2026-02-03/hour=04/shardId-000000000001-4960-0199.ndjson.gz';

/** As S3 writes it into a queue: version 2.1, the key encoded as in a form. */
function notification(
  key: string,
  { bucket = target.bucket, eventName = 'ObjectCreated:CompleteMultipartUpload' } = {},
) {
  return JSON.stringify({
    Records: [
      {
        eventVersion: '2.1',
        eventSource: 'aws:s3',
        awsRegion: 'eu-west-1',
        eventTime: '2026-02-03T04:05:06.789Z',
        eventName,
        userIdentity: { principalId: 'AWS:AROAEXAMPLE:consumer' },
        requestParameters: { sourceIPAddress: '10.0.1.23' },
        responseElements: { 'x-amz-request-id': 'C3D13FE58DE4C810', 'x-amz-id-2': 'FMyUVURIY8' },
        s3: {
          s3SchemaVersion: '1.0',
          configurationId: 'ndjson-created',
          bucket: { name: bucket, ownerIdentity: { principalId: 'A3NL1K' }, arn: `arn:aws:s3:::${bucket}` },
          object: {
            key: encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/'),
            size: 1024,
            eTag: 'd41d8cd98f00b204e9800998ecf8427e-1',
            sequencer: '0055AED6DCD90281E5',
          },
        },
      },
    ],
  });
}

function message(id: string, body: string, received = 1) {
  return { messageId: id, body, attributes: { ApproximateReceiveCount: String(received) } };
}

interface World {
  /** Keys of objects of which a load is refused, unless it is tolerant. */
  odd?: string[];
  /** Keys of which every load is refused. */
  bad?: string[];
  /** What a statement begun from now on does in place of ending well. */
  begin?: () => void;
  /** Loads that somebody else's call left behind, and what they load when they end. */
  left?: Record<string, string[]>;
  loaded?: string[];
  stopped?: boolean;
}

/** A warehouse that ends what it is given after some looks; `questions` are answered of what it has. */
function setUp({ odd = [], bad = [], begin, left = {}, loaded = [], stopped = false }: World = {}) {
  const begun: { statements: readonly string[]; token: string }[] = [];
  const questions: string[] = [];
  const objects = new Map<string, string>();
  const looks = new Map<string, number>();
  const known = new Set(loaded);
  const keysIn = (text: string) => [...text.matchAll(/'(team\/ndjson\/[^']+)'/g)].map(([, key = '']) => key);
  const warehouse: Warehouse = {
    async begin(kind, statements, token) {
      begin?.();
      if (kind === 'question') return `question ${questions.push(statements[0] ?? '') - 1}`;
      return `load ${begun.push({ statements, token }) - 1}`;
    },
    async state(id) {
      looks.set(id, (looks.get(id) ?? 0) + 1);
      if ((looks.get(id) ?? 0) < 3) return { ended: false };
      for (const key of left[id] ?? []) known.add(key);
      if (!id.startsWith('load')) return { ended: true };
      if (stopped) return { ended: true, error: 'ABORTED: by a person', stopped };
      const text = begun[Number(id.slice(5))]?.statements.join('\n') ?? '';
      const refused = [...bad, ...(text.includes(' MAXERROR ') ? [] : odd)];
      if (refused.some((key) => text.includes(key))) return { ended: true, error: 'FAILED: bad line' };
      for (const key of keysIn(text)) known.add(key);
      return { ended: true };
    },
    async rows(id) {
      const question = questions[Number(id.slice(9))] ?? '';
      if (question.includes('sys_load_error_detail'))
        return odd.some((key) => question.includes(key)) ? [['7', 'message', 'Invalid null byte']] : [];
      return keysIn(question)
        .filter((key) => known.has(key))
        .map((key) => [key]);
    },
    running: async () => Object.keys(left),
  };
  const lines: Record<string, unknown>[] = [];
  const options: LoaderOptions = {
    target,
    warehouse,
    putJson: async (name, json) => {
      objects.set(name, json);
    },
    wait: async () => {},
    log: (line) => lines.push(line),
  };
  return {
    begun,
    warehouse,
    questions,
    objects,
    lines,
    known,
    events: () => lines.map(({ event }) => event),
    run: (messages: ReturnType<typeof message>[], left: number | (() => number) = 60_000) =>
      load(options, messages, typeof left === 'number' ? () => left : left),
  };
}

const keyOf = (name: string) => key.replace('4960', name);
const told = (name: string, received = 1) => message(name, notification(keyOf(name)), received);

test('keys are those of new NDJSON objects, decoded', () => {
  const spaced = 'team/ndjson/a b/dt=2026-02-03/hour=04/s+1-2-x.ndjson.gz';
  assert.deepEqual(createdObjects({ body: notification(spaced) }, target), [spaced]);
  assert.deepEqual(createdObjects({ body: notification('archive/logs/2026020304/s-1-x') }, target), []);
  assert.deepEqual(
    createdObjects({ body: notification(key, { eventName: 'ObjectRemoved:Delete' }) }, target),
    [],
  );
  assert.deepEqual(
    createdObjects({ body: notification(key, { eventName: 's3:ObjectCreated:Put' }) }, target),
    [key],
  );
  const others = key.replace('team/', 'other/');
  assert.deepEqual(createdObjects({ body: notification(others) }, target), []);
  const asked =
    '{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-02-03T04:05:06.789Z","Bucket":"example-logs","RequestId":"5582815E1AEA5ADF","HostId":"8cLeGAmw"}';
  assert.deepEqual(createdObjects({ body: asked }, target), []);
  assert.throws(() => createdObjects({ body: '{}' }, target), /no S3 notification/);
  assert.throws(
    () => createdObjects({ body: notification(key, { bucket: 'other' }) }, target),
    /bucket other/,
  );
});

test('what comes for the first time is one load, with a manifest of its objects', async () => {
  const { begun, objects, run } = setUp();
  const other = key.replace('4960', '4961');
  assert.deepEqual(
    await run([
      message('a', notification(key)),
      message('b', notification(other)),
      message('c', notification(key)),
    ]),
    [],
  );
  assert.equal(begun.length, 1);
  const [name = '', json = ''] = [...objects].find(([each]) => each.endsWith('.manifest')) ?? [];
  assert.match(name, /^team\/loads\/[0-9a-f]{64}\.manifest$/);
  assert.deepEqual(JSON.parse(json), {
    entries: [key, other].map((one) => ({ url: `s3://example-logs/${one}`, mandatory: true })),
  });
  assert.ok(begun[0]?.statements.some((statement) => statement.includes(`FROM 's3://example-logs/${name}'`)));
  assert.ok((begun[0]?.token.length ?? 0) <= 64);
});

test('COPY is told the paths of the columns by a file beside the manifests', async () => {
  const { begun, objects, run } = setUp();
  await run([told('a')]);
  const [, path = ''] =
    /FORMAT JSON 's3:\/\/example-logs\/([^']+)'/.exec(begun[0]?.statements[2] ?? '') ?? [];
  assert.match(path, /^team\/loads\/jsonpaths-[0-9a-f]{12}\.json$/);
  assert.equal(JSON.parse(objects.get(path) ?? '{}').jsonpaths[0], "$['event_id']");
});

const hundred = Array.from({ length: 100 }, (_, i) => `n${String(i).padStart(2, '0')}`);

test('a group that is refused is halved: one bad object of a hundred holds up no other', async () => {
  const { begun, known, run } = setUp({ bad: [keyOf('n37')] });
  assert.deepEqual(await run(hundred.map((name) => told(name))), ['n37']);
  assert.equal(known.size, 99);
  assert.ok(begun.length <= 16, `${begun.length} loads`);
  assert.equal(new Set(begun.map(({ token }) => token)).size, begun.length);
});

test('the lines that an object is refused for are left out, and told; the rest of it is loaded', async () => {
  const { begun, lines, run } = setUp({ odd: [keyOf('b')] });
  assert.deepEqual(await run([told('a'), told('b')]), []);
  const tolerant = begun.filter(({ statements }) => statements.join().includes(' MAXERROR '));
  assert.equal(tolerant.length, 1);
  assert.ok(tolerant[0]?.statements.at(-1)?.includes(keyOf('b')));
  assert.deepEqual(
    lines.filter(({ event }) => event === 'lines_refused'),
    [
      {
        event: 'lines_refused',
        objects: [keyOf('b')],
        lines: 1,
        line: '7',
        column: 'message',
        reason: 'Invalid null byte',
      },
    ],
  );
});

test('an object that is loaded only when lines may be left out is told, also when no line is named', async () => {
  const odd = [keyOf('a')];
  const { lines, run, warehouse } = setUp({ odd });
  const rows = warehouse.rows;
  warehouse.rows = async (id) => (await rows(id)).slice(0, 0);
  assert.deepEqual(await run([told('a')]), []);
  const { event, lines: count } = lines.at(-1) ?? {};
  assert.deepEqual([event, count], ['lines_refused', 0]);
});

test('lines are asked for by the name that the warehouse keeps, which is cut', () => {
  const long = `team/ndjson/${'s'.repeat(300)}.ndjson.gz`;
  const [, name = ''] = /IN \('([^']+)'\)/.exec(refusedStatement(target, [long])) ?? [];
  assert.equal(name.length, 256);
  assert.ok(`s3://example-logs/${long}`.startsWith(name));
});

test('a warehouse that refuses everything is asked a bounded number of times, and everything comes again', async () => {
  const { begun, run } = setUp({ bad: hundred.map(keyOf) });
  assert.deepEqual((await run(hundred.map((name) => told(name)))).sort(), hundred);
  assert.equal(begun.length, 32);
});

test('nothing is halved when the warehouse cannot be asked, or somebody stops the load', async () => {
  let asked = 0;
  const unreachable = setUp({
    begin: () => {
      asked++;
      throw new Error('ServiceUnavailable');
    },
  });
  assert.deepEqual(await unreachable.run([told('a'), told('b')]), ['a', 'b']);
  assert.equal(asked, 1);
  const stopped = setUp({ stopped: true });
  assert.deepEqual(await stopped.run([told('a'), told('b')]), ['a', 'b']);
  assert.equal(stopped.begun.length, 1);
});

test('a load that there is no time for is not begun: its messages come again', async () => {
  const { begun, events, run } = setUp();
  assert.deepEqual(await run([told('a')], 20_000), ['a']);
  assert.equal(begun.length, 0);
  assert.deepEqual(events(), ['load_postponed']);
});

test('halves that there is no time for any more come again, without those that are loaded', async () => {
  const { begun, run } = setUp({ bad: [keyOf('a')] });
  // Enough for the group and its first half, which has the bad one, then for the other half.
  const time = () => (begun.length < 3 ? 60_000 : 12_000);
  assert.deepEqual(await run([told('a'), told('b'), told('c'), told('d')], time), ['a', 'b']);
  assert.equal(begun.length, 3);
});

test('what was loaded after its function was ended is not loaded again', async () => {
  const { begun, events, known, run } = setUp({
    left: { 'load of before': [keyOf('a')] },
    loaded: [keyOf('c')],
  });
  assert.deepEqual(await run([told('a', 2), told('b', 2), told('c', 3)]), []);
  assert.equal(begun.length, 1);
  assert.ok(begun[0]?.statements.at(-1)?.includes(keyOf('b')));
  assert.ok(!begun[0]?.statements.at(-1)?.includes(keyOf('a')));
  assert.deepEqual(events(), ['loaded_before', 'loaded']);
  assert.equal(known.size, 3);
});

test('what comes for the first time is loaded without a question, and also when the question fails', async () => {
  const { begun, questions, run } = setUp({ loaded: [keyOf('a')] });
  assert.deepEqual(await run([told('a')]), []);
  assert.deepEqual([begun.length, questions.length], [1, 0]);
  let asked = 0;
  const other = setUp({
    begin: () => {
      if (asked++ === 0) throw new Error('ServiceUnavailable');
    },
  });
  assert.deepEqual(await other.run([told('a'), told('b', 2)]), ['b']);
  assert.ok(other.known.has(keyOf('a')));
});

test('a message that cannot be read comes again alone, until its queue sets it aside', async () => {
  const { begun, run } = setUp();
  assert.deepEqual(await run([message('x', 'not JSON'), message('a', notification(key))]), ['x']);
  assert.equal(begun.length, 1);
});

test('a load that outlasts the function comes again', async () => {
  const { begun, run, lines } = setUp();
  const time = () => (begun.length === 0 ? 60_000 : 5_000);
  assert.deepEqual(await run([told('a')], time), ['a']);
  assert.match(String(lines.at(-1)?.error), /longer than this function may/);
});

test('quotes in names end no statement', () => {
  const odd = "team/ndjson/l'ogs\\/x.ndjson.gz";
  const { key: manifest } = manifestOf(target, [odd]);
  const statements = loadStatements({ ...target, schema: 'my"schema' }, manifest, [odd], { tolerant: false });
  assert.match(statements.at(-1) ?? '', /VALUES \('team\/ndjson\/l''ogs\\\\\/x\.ndjson\.gz'\)$/);
  assert.match(statements[0] ?? '', /^LOCK "my""schema"\.millrace_loads$/);
});

test('the columns that are read, copied and made are the same', () => {
  const file = (name: string) =>
    readFileSync(new URL(`../../../analytics/redshift/${name}`, import.meta.url), 'utf8');
  const [, table = ''] = /millrace_events \(([^;]*?)\n\)/.exec(file('schema.sql')) ?? [];
  const columns = [...table.matchAll(/^ {2}(\w+) /gm)].map(([, column]) => column);
  const { jsonpaths } = JSON.parse(file('jsonpaths.json')) as { jsonpaths: string[] };
  assert.equal(jsonpaths.length, columns.length);
  const inserted = loadStatements(target, 'm', ['k'], { tolerant: false }).find((statement) =>
    statement.startsWith('INSERT INTO "public".millrace_events'),
  );
  assert.ok(inserted?.includes(`SELECT ${columns.join(', ')} FROM`), inserted);
});

test('the environment is checked before the first message', () => {
  const env = {
    PATH: '/bin',
    MILLRACE_BUCKET: 'example-logs',
    MILLRACE_COPY_ROLE_ARN: target.copyRoleArn,
    MILLRACE_DATABASE: 'logs',
    MILLRACE_WORKGROUP: 'logs',
  };
  assert.equal(readLoaderConfig(env).MILLRACE_SCHEMA, 'public');
  assert.throws(() => readLoaderConfig({ ...env, MILLRACE_BUKET: 'x' }), /MILLRACE_BUKET.*MILLRACE_BUCKET/);
  assert.throws(() => readLoaderConfig({ ...env, MILLRACE_CLUSTER: 'x' }), /one of MILLRACE_WORKGROUP/);
});
