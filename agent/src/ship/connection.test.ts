import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request as requestOf } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { AgentProcess } from '../testing/agent-process.ts';
import { KinesisServer } from '../testing/kinesis-server.ts';
import { recordsOf } from '../testing/received.ts';

type Answer = { status?: number; body: string };

/** A folder, a stream and agents that send it what is in `a.log`, with the keys that `match` and `env` lead to. */
async function world(t: TestContext, tls?: { key: string; cert: string }) {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-connection-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const stream = new KinesisServer(tls);
  await stream.listen();
  t.after(() => stream.close());
  writeFileSync(join(dir, 'a.log'), 'one\n');
  const start = (match: string[], env: NodeJS.ProcessEnv = {}) => {
    const lines = [
      ...['<system>', `state_dir ${dir}/state`, 'heartbeat_interval 0', '</system>'],
      ...['<source>', '@type tail', `path ${dir}/*.log`, 'tag t', 'read_from_head true'],
      ...['<parse>', '@type none', '</parse>', '</source>'],
      ...['<match **>', '@type kinesis_streams', 'stream_name s', 'region eu-west-1', ...match],
      ...['<buffer>', 'retry_wait 0.05s', 'retry_max_interval 0.2s', '</buffer>', '</match>'],
    ];
    const config = join(dir, 'agent.conf');
    writeFileSync(config, `${lines.join('\n')}\n`);
    const agent = new AgentProcess(config, [], undefined, { HOME: dir, ...env });
    t.after(() => (agent.running ? agent.kill() : undefined));
    return agent;
  };
  /** The first `count` lines are there, and the agent ends well. */
  const delivered = async (agent: AgentProcess, count = 1) => {
    const texts = () => recordsOf(stream.blocks).length;
    await until(
      () => texts() >= count || !agent.running,
      () => `${count} records; ${said(agent)}`,
    );
    assert.equal(await agent.stop(), 0, said(agent));
  };
  return { dir, stream, start, delivered, endpoint: `endpoint ${stream.url}` };
}

async function until(holds: () => boolean, what: () => string): Promise<void> {
  for (const end = performance.now() + 20_000; !holds(); await delay(10))
    assert.ok(performance.now() < end, `never: ${what()}`);
}

function said(agent: AgentProcess): string {
  return [...agent.complaints, ...agent.log.map((line) => JSON.stringify(line))].slice(-5).join('\n');
}

/** A service over HTTP; resolves to its URL. */
async function serve(
  t: TestContext,
  answer: (request: IncomingMessage, body: string) => Answer,
): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { status = 200, body } = answer(request, Buffer.concat(chunks).toString());
      response.writeHead(status).end(body);
    });
  });
  return listening(t, server);
}

async function listening(t: TestContext, server: ReturnType<typeof createServer>): Promise<string> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Who signed the stream's calls, in their order: key id, region, session token. */
function signers({ calls }: KinesisServer): (string | undefined)[][] {
  return calls.map(({ headers }) => {
    const [, key, region] = /Credential=([^/]+)\/\d{8}\/([^/]+)\//.exec(headers.authorization ?? '') ?? [];
    const token = headers['x-amz-security-token'];
    return token === undefined ? [key, region] : [key, region, String(token)];
  });
}

const soon = () => new Date(Date.now() + 3_600_000).toISOString();

function stsAnswer(action: string): string {
  const keys = `<AccessKeyId>ROLEKEY</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>role-token</SessionToken><Expiration>${soon()}</Expiration>`;
  const result = `<${action}Result><Credentials>${keys}</Credentials><AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/r/s</Arn><AssumedRoleId>x:s</AssumedRoleId></AssumedRoleUser></${action}Result>`;
  return `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">${result}<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></${action}Response>`;
}

const longLived = { AWS_ACCESS_KEY_ID: 'OWNKEY', AWS_SECRET_ACCESS_KEY: 'own' };

test('assume_role_credentials: calls are signed with the keys of the role, which the own keys asked for', async (t) => {
  const { stream, start, delivered, endpoint } = await world(t);
  const asked: { form: URLSearchParams; signer: string }[] = [];
  const sts = await serve(t, (request, body) => {
    asked.push({ form: new URLSearchParams(body), signer: request.headers.authorization ?? '' });
    return { body: stsAnswer('AssumeRole') };
  });
  const role = [
    ...[
      '<assume_role_credentials>',
      'role_arn arn:aws:iam::1:role/r',
      'role_session_name me',
      'external_id ex',
    ],
    ...[
      'duration_seconds 900',
      `sts_endpoint_url ${sts}`,
      'sts_region eu-north-1',
      '</assume_role_credentials>',
    ],
  ];
  await delivered(start([endpoint, ...role], longLived));
  assert.deepEqual(signers(stream), [['ROLEKEY', 'eu-west-1', 'role-token']]);
  assert.equal(asked.length, 1);
  assert.match(asked[0]?.signer ?? '', /Credential=OWNKEY\/\d{8}\/eu-north-1\/sts\//);
  const { Version: _version, ...form } = Object.fromEntries(asked[0]?.form ?? []);
  assert.deepEqual(form, {
    Action: 'AssumeRole',
    RoleArn: 'arn:aws:iam::1:role/r',
    RoleSessionName: 'me',
    ExternalId: 'ex',
    DurationSeconds: '900',
  });
});

test('a token service that fails is asked again, and nothing is lost', async (t) => {
  const { stream, start, delivered, endpoint } = await world(t);
  let asked = 0;
  const refusal =
    '<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>';
  const sts = await serve(t, () =>
    ++asked < 3 ? { status: 403, body: refusal } : { body: stsAnswer('AssumeRole') },
  );
  const role = [
    '<assume_role_credentials>',
    'role_arn r',
    `sts_endpoint_url ${sts}`,
    '</assume_role_credentials>',
  ];
  const agent = start([endpoint, ...role], longLived);
  await delivered(agent);
  assert.ok(agent.events('request_failed').length >= 2);
  assert.deepEqual(signers(stream), [['ROLEKEY', 'eu-west-1', 'role-token']]);
});

test('web_identity_credentials: a token in a file is exchanged for the keys of the role, without other keys', async (t) => {
  const { dir, stream, start, delivered, endpoint } = await world(t);
  const asked: URLSearchParams[] = [];
  const sts = await serve(t, (_request, body) => {
    asked.push(new URLSearchParams(body));
    return { body: stsAnswer('AssumeRoleWithWebIdentity') };
  });
  writeFileSync(join(dir, 'token'), 'the-token');
  const web = [
    'role_arn arn:aws:iam::1:role/r',
    `web_identity_token_file ${dir}/token`,
    'role_session_name me',
  ];
  const section = ['<web_identity_credentials>', ...web, '</web_identity_credentials>'];
  await delivered(start([endpoint, ...section], { AWS_ENDPOINT_URL_STS: sts }));
  assert.deepEqual(signers(stream), [['ROLEKEY', 'eu-west-1', 'role-token']]);
  assert.equal(asked[0]?.get('WebIdentityToken'), 'the-token');
  assert.equal(asked[0]?.get('RoleSessionName'), 'me');
});

test("shared_credentials: the keys are those of the file's profile", async (t) => {
  const { dir, stream, start, delivered, endpoint } = await world(t);
  writeFileSync(
    join(dir, 'keys'),
    '[default]\naws_access_key_id = WRONG\naws_secret_access_key = w\n[logs]\naws_access_key_id = SHAREDKEY\naws_secret_access_key = s\n',
  );
  const shared = ['<shared_credentials>', `path ${dir}/keys`, 'profile_name logs', '</shared_credentials>'];
  await delivered(start([endpoint, ...shared], longLived));
  assert.deepEqual(signers(stream), [['SHAREDKEY', 'eu-west-1']]);
});

test('process_credentials: the command is asked again when its keys expire, and not before', async (t) => {
  for (const [lifeMs, again] of [
    [60_000, true],
    [3_600_000, false],
  ] as const) {
    const { dir, stream, start, delivered, endpoint } = await world(t);
    const command = join(dir, 'keys.sh');
    const expiration = new Date(Date.now() + lifeMs).toISOString();
    const keys = `{"Version":1,"AccessKeyId":"KEY'$(wc -l <${dir}/asked)'","SecretAccessKey":"s","SessionToken":"t","Expiration":"${expiration}"}`;
    writeFileSync(command, `echo >>${dir}/asked\necho '${keys}'\n`);
    const agent = start([
      endpoint,
      '<process_credentials>',
      `process sh ${command}`,
      '</process_credentials>',
    ]);
    await until(
      () => stream.calls.length === 1,
      () => `a call; ${said(agent)}`,
    );
    appendFileSync(join(dir, 'a.log'), 'two\n');
    await delivered(agent, 2);
    const [first, second] = signers(stream);
    assert.match(first?.join(' ') ?? '', /^KEY\d+ eu-west-1 t$/);
    assert.equal(first?.[0] !== second?.[0], again);
    if (!again) assert.equal(readFileSync(join(dir, 'asked'), 'utf8'), '\n');
  }
});

test('instance_profile_credentials: the metadata service is asked with a session token of its own', async (t) => {
  const { stream, start, delivered, endpoint } = await world(t);
  const asked: string[] = [];
  const path = '/latest/meta-data/iam/security-credentials/';
  const metadata = await serve(t, ({ method, url, headers }) => {
    asked.push(`${method} ${url}`);
    if (method === 'PUT' && url === '/latest/api/token') return { body: 'session' };
    if (headers['x-aws-ec2-metadata-token'] !== 'session') return { status: 401, body: '' };
    if (url === path) return { body: 'the-role' };
    const keys = { AccessKeyId: 'INSTANCEKEY', SecretAccessKey: 's', Token: 'instance-token' };
    return { body: JSON.stringify({ Code: 'Success', Type: 'AWS-HMAC', ...keys, Expiration: soon() }) };
  });
  const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata };
  await delivered(
    start([endpoint, '<instance_profile_credentials>', '</instance_profile_credentials>'], env),
  );
  assert.deepEqual(signers(stream), [['INSTANCEKEY', 'eu-west-1', 'instance-token']]);
  assert.deepEqual(asked, ['PUT /latest/api/token', `GET ${path}`, `GET ${path}the-role`]);
});

/** A proxy that says what it was asked for, and leads every tunnel to `port` of this machine. */
async function proxy(t: TestContext, port = 0) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const onward = requestOf(
      request.url ?? '',
      { method: request.method, headers: request.headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    request.pipe(onward);
  });
  server.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url}`);
    const onward = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.pipe(onward).pipe(socket);
    });
    for (const end of [socket, onward]) end.on('error', () => onward.destroy());
  });
  return { url: await listening(t, server), asked };
}

test('http_proxy: calls to an http endpoint go through the proxy', async (t) => {
  const { stream, start, delivered, endpoint } = await world(t);
  const { url, asked } = await proxy(t);
  await delivered(start([endpoint, `http_proxy ${url}`], longLived));
  assert.deepEqual(asked, [`POST ${stream.url}/`]);
});

/** A certificate that signs itself, of 127.0.0.1. */
function certificate(t: TestContext): { key: string; cert: string; file: string } {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-certificate-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const [key, file] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const name = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  execFileSync('openssl', ['req', '-x509', ...kind, ...name, '-keyout', key, '-out', file], {
    stdio: 'ignore',
  });
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(file, 'utf8'), file };
}

test('a certificate that nobody vouches for is refused, unless ssl_verify_peer is false', async (t) => {
  const tls = certificate(t);
  const { stream, start, delivered, endpoint } = await world(t, tls);
  const strict = start([endpoint], longLived);
  await until(
    () => strict.events('request_failed').length > 1,
    () => said(strict),
  );
  assert.match(String(strict.events('request_failed')[0]?.error), /self-signed certificate/);
  await strict.kill();
  assert.deepEqual(stream.calls, []);
  await delivered(start([endpoint, 'ssl_verify_peer false'], longLived));
});

test('a certificate that the system trusts is taken', async (t) => {
  const tls = certificate(t);
  const { start, delivered, endpoint } = await world(t, tls);
  await delivered(start([endpoint], { ...longLived, NODE_EXTRA_CA_CERTS: tls.file }));
});

const hosts: [settings: string[], host: string][] = [
  [[], 'kinesis.eu-west-1.amazonaws.com'],
  [['use_fips_endpoint true'], 'kinesis-fips.eu-west-1.amazonaws.com'],
  [['use_dualstack_endpoint true'], 'kinesis.eu-west-1.api.aws'],
  [['use_fips_endpoint true', 'use_dualstack_endpoint true'], 'kinesis-fips.eu-west-1.api.aws'],
];
for (const [settings, host] of hosts)
  test(`${settings.join(', ') || 'no endpoint'}: calls go to ${host}, through a tunnel of the proxy`, async (t) => {
    const { stream, start, delivered } = await world(t, certificate(t));
    const { url, asked } = await proxy(t, Number(new URL(stream.url).port));
    const way = [...settings, `http_proxy ${url}`];
    const strict = start(way, longLived);
    await until(
      () => strict.events('request_failed').length > 0,
      () => said(strict),
    );
    assert.match(String(strict.events('request_failed')[0]?.error), /self-signed certificate/);
    await strict.kill();
    await delivered(start([...way, 'ssl_verify_peer false'], longLived));
    assert.deepEqual([...new Set(asked)], [`CONNECT ${host}:443`]);
    assert.equal(stream.calls[0]?.headers.host, host);
  });
