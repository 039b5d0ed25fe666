import assert from 'node:assert/strict';
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { InputCase } from '../../agent/src/testing/input-case.ts';
import { pythonWith, requireRsyslog } from '../harness/clients.ts';

const run = promisify(execFile);
const count = 2_000;

/** Numbers in `texts`, each behind the mark; fails unless each of 0 to `count` is there once. */
function assertOnce(texts: string[], mark: string): void {
  const pattern = new RegExp(`${mark} (\\d+)\\b`);
  const numbers = texts.flatMap((text) => pattern.exec(text)?.[1] ?? []).map(Number);
  assert.deepEqual(
    numbers.toSorted((a, b) => a - b),
    Array.from({ length: count }, (_, i) => i),
    `each line of ${mark} once`,
  );
}

test('fluent-logger for Python: every event is in the stream once', async (t) => {
  const python = await pythonWith('fluent-logger==0.11.1');
  const world = await InputCase.open(t, ['@type forward', 'port PORT']);
  await world.start();
  const script = [
    'import sys',
    'from fluent import sender, asyncsender',
    'port, count = int(sys.argv[1]), int(sys.argv[2])',
    'plain = sender.FluentSender("app", host="127.0.0.1", port=port, nanosecond_precision=True)',
    'later = asyncsender.FluentSender("app", host="127.0.0.1", port=port)',
    'for i in range(count):',
    '    assert plain.emit("plain", {"message": "plain %d" % i, "big": 2 ** 63, "bytes": b"\\xff\\x00"})',
    '    assert later.emit("later", {"message": "later %d" % i})',
    'plain.close()',
    'later.close()',
  ];
  await run(python, ['-c', script.join('\n'), String(world.port), String(count)]);
  await world.until(() => world.texts().length >= 2 * count, 'all events');
  await world.stop();
  for (const mark of ['plain', 'later']) assertOnce(world.texts(), mark);
  const [first] = world.records().filter((each) => each.includes('"plain 0"'));
  assert.match(
    first ?? '',
    /^app\.plain \{"@time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z","message":"plain 0","big":9223372036854775808,"bytes":"\xff\\u0000"\}\n$/,
  );
});

/** An rsyslogd of its own that reads a unix socket and forwards by `action`. */
async function startRsyslog(t: TestContext, dir: string, action: string): Promise<string> {
  const socket = join(dir, 'log.socket');
  const config = join(dir, 'rsyslog.conf');
  mkdirSync(join(dir, 'work'), { recursive: true });
  const lines = [
    `global(workDirectory="${join(dir, 'work')}" defaultNetstreamDriverCAFile="${join(dir, 'tls.crt')}")`,
    'module(load="imuxsock" SysSock.Use="off")',
    `input(type="imuxsock" Socket="${socket}" RateLimit.Interval="0" UseSpecialParser="on")`,
    'main_queue(queue.size="100000")',
    action,
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  const daemon: ChildProcess = spawn('/usr/sbin/rsyslogd', ['-n', '-f', config, '-i', join(dir, 'pid')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  daemon.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  t.after(async () => {
    if (daemon.exitCode !== null) return;
    daemon.kill('SIGTERM');
    await once(daemon, 'close');
  });
  const ready = () => {
    assert.equal(daemon.exitCode, null, said);
    try {
      execFileSync('/usr/bin/logger', ['--socket', socket, '--no-act', 'x'], { stdio: 'ignore' });
      execFileSync('test', ['-S', socket]);
      return true;
    } catch {
      return false;
    }
  };
  for (let i = 0; !ready(); i++) {
    assert.ok(i < 500, `rsyslogd does not listen; ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return socket;
}

function certificate(dir: string): { cert: string; key: string } {
  const [cert, key] = [join(dir, 'tls.crt'), join(dir, 'tls.key')];
  const names = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const made = ['-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert];
  execFileSync('openssl', ['req', '-x509', ...made, ...names], { stdio: 'ignore' });
  return { cert, key };
}

const target = 'target="127.0.0.1" template="RSYSLOG_SyslogProtocol23Format"';
const forwards: [string, string[], string][] = [
  ['by UDP', [], `action(type="omfwd" ${target} port="PORT" protocol="udp")`],
  [
    'by TCP with octet counts',
    ['<transport tcp>', '</transport>'],
    `action(type="omfwd" ${target} port="PORT" protocol="tcp" tcp_framing="octet-counted")`,
  ],
  [
    'by TCP with lines',
    ['<transport tcp>', '</transport>'],
    'action(type="omfwd" target="127.0.0.1" template="RSYSLOG_TraditionalForwardFormat" port="PORT" protocol="tcp")',
  ],
  [
    'by TLS',
    ['<transport tls>', 'cert_path CERT', 'private_key_path KEY', '</transport>'],
    `action(type="omfwd" ${target} port="PORT" protocol="tcp" tcp_framing="octet-counted" StreamDriver="ossl" ` +
      'StreamDriverMode="1" StreamDriverAuthMode="x509/name" StreamDriverPermittedPeers="127.0.0.1")',
  ],
];

for (const [name, transport, action] of forwards)
  test(`rsyslog forwards what logger writes ${name}: every line is in the stream once`, async (t) => {
    await requireRsyslog();
    const world = await InputCase.open(t, []);
    const { cert, key } = certificate(world.dir);
    const lines = transport.map((line) => line.replace('CERT', cert).replace('KEY', key));
    world.source = ['@type syslog', 'port PORT', 'tag sys', ...lines];
    await world.start();
    const socket = await startRsyslog(t, world.dir, action.replace('PORT', String(world.port)));
    const input = join(world.dir, 'lines');
    writeFileSync(input, Array.from({ length: count }, (_, i) => `number ${i} of them\n`).join(''));
    await run('/usr/bin/logger', ['--socket', socket, '-p', 'local3.warning', '-t', 'probe', '-f', input]);
    await world.until(() => world.texts().length >= count, 'all lines');
    await world.stop();
    assertOnce(world.texts(), 'number');
    for (const record of world.records()) assert.match(record, /^sys\.local3\.warn <156>.*probe/);
  });

test('logger writes to the agent itself, by UDP and by TCP: every line is in the stream once', async (t) => {
  for (const [protocol, how] of [
    ['udp', ['--udp']],
    ['tcp', ['--tcp']],
    ['tcp', ['--tcp', '--octet-count']],
    ['tcp', ['--tcp', '--rfc3164']],
  ] as const) {
    const world = await InputCase.open(t, [
      '@type syslog',
      'port PORT',
      'tag sys',
      `protocol_type ${protocol}`,
    ]);
    await world.start();
    const input = join(world.dir, 'lines');
    writeFileSync(input, Array.from({ length: count }, (_, i) => `number ${i} of them\n`).join(''));
    const to = ['--server', '127.0.0.1', '--port', String(world.port)];
    await run('/usr/bin/logger', [...to, ...how, '-p', 'user.err', '-f', input]);
    await world.until(() => world.texts().length >= count, `all lines by ${how.join(' ')}`);
    await world.stop();
    assertOnce(world.texts(), 'number');
  }
});
