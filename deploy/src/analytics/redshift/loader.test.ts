import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readLoaderConfig } from './config.ts';
import { loadStatements, manifestOf } from './copy.ts';
import { createdObjects } from './created-objects.ts';
import { type LoaderOptions, load, type Warehouse } from './loader.ts';

const target = {
  bucket: 'example-logs',
  prefix: 'team/',
  jsonpathsKey: 'redshift/jsonpaths.json',
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

/** A warehouse that runs what it is given after some looks, and fails loads of a key. */
function setUp(bad?: string) {
  const begun: { statements: readonly string[]; token: string }[] = [];
  const manifests = new Map<string, string>();
  const looks = new Map<string, number>();
  const warehouse: Warehouse = {
    async begin(statements, token) {
      begun.push({ statements, token });
      return String(begun.length - 1);
    },
    async state(id) {
      looks.set(id, (looks.get(id) ?? 0) + 1);
      if ((looks.get(id) ?? 0) < 3) return { ended: false };
      const text = begun[Number(id)]?.statements.join('\n') ?? '';
      return bad !== undefined && text.includes(bad)
        ? { ended: true, error: 'FAILED: bad line' }
        : { ended: true };
    },
  };
  const lines: Record<string, unknown>[] = [];
  const options: LoaderOptions = {
    target,
    warehouse,
    putManifest: async (name, json) => {
      manifests.set(name, json);
    },
    wait: async () => {},
    log: (line) => lines.push(line),
  };
  return {
    begun,
    manifests,
    lines,
    run: (messages: ReturnType<typeof message>[], left = 60_000) => load(options, messages, () => left),
  };
}

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
  const { begun, manifests, run } = setUp();
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
  const [[name, json] = ['', '']] = manifests;
  assert.match(name, /^team\/loads\/[0-9a-f]{64}\.manifest$/);
  assert.deepEqual(JSON.parse(json), {
    entries: [key, other].map((one) => ({ url: `s3://example-logs/${one}`, mandatory: true })),
  });
  assert.ok(begun[0]?.statements.some((statement) => statement.includes(`FROM 's3://example-logs/${name}'`)));
  assert.ok((begun[0]?.token.length ?? 0) <= 64);
});

test('a load that failed comes again object by object, by another token, and holds up no other', async () => {
  const bad = key.replace('4960', 'bad');
  const { begun, lines, run } = setUp(bad);
  assert.deepEqual(await run([message('a', notification(key)), message('b', notification(bad))]), ['a', 'b']);
  assert.deepEqual(await run([message('a', notification(key), 2), message('b', notification(bad), 2)]), [
    'b',
  ]);
  assert.deepEqual(await run([message('b', notification(bad), 3)]), ['b']);
  assert.equal(new Set(begun.map(({ token }) => token)).size, begun.length);
  assert.equal(lines.filter(({ event }) => event === 'load_failed').length, 3);
});

test('a message that cannot be read comes again alone, until its queue sets it aside', async () => {
  const { begun, run } = setUp();
  assert.deepEqual(await run([message('x', 'not JSON'), message('a', notification(key))]), ['x']);
  assert.equal(begun.length, 1);
});

test('a load that outlasts the function comes again', async () => {
  const { run, lines } = setUp();
  assert.deepEqual(await run([message('a', notification(key))], 5_000), ['a']);
  assert.match(String(lines.at(-1)?.error), /longer than this function may/);
});

test('quotes in names end no statement', () => {
  const odd = "team/ndjson/l'ogs\\/x.ndjson.gz";
  const { key: manifest } = manifestOf(target, [odd]);
  const statements = loadStatements({ ...target, schema: 'my"schema' }, manifest, [odd]);
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
  const inserted = loadStatements(target, 'm', ['k']).find((statement) =>
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
