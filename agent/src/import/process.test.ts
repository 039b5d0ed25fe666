import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { AgentProcess } from '../testing/agent-process.ts';
import { Case } from '../testing/case.ts';

const main = join(import.meta.dirname, '../main.ts');
const hex = (value: number) => value.toString(16).padStart(16, '0');

function agent(command: string, world: Case, ...args: string[]) {
  const run = spawnSync(process.execPath, [main, command, '--config', world.configPath, ...args], {
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...process.env, TZ: 'UTC' },
  });
  return { code: run.status, out: run.stdout, err: run.stderr };
}

/** The exit code. */
function runOnce(world: Case): Promise<number | null> {
  const once = new AgentProcess(world.configPath, ['--once']);
  world.agents.push(once);
  return once.exited();
}

/** A line of a pos_file for a file as it is now. */
function line(world: Case, name: string, read: number | 'done'): string {
  const position = read === 'done' ? 'ffffffffffffffff' : hex(read);
  return `${world.path(name)}\t${position}\t${hex(statSync(world.path(name)).ino)}\n`;
}

function source(world: Case, path: string, more: string): string {
  const own = `path ${world.logs}/${path}\ntag t\npath_timezone UTC\nrefresh_interval 0.2s\nrotate_wait 1s`;
  return `<source>\n@type tail\n${own}\n${more}\n<parse>\n@type none\n</parse>\n</source>\n`;
}

const kinesis = (world: Case, stream: string, pattern = '**') =>
  `<match ${pattern}>\n@type kinesis_streams\nstream_name s\nstream ${stream}\nregion us-east-1\nendpoint ${world.stream.url}\n</match>\n`;

function configure(world: Case, text: string): void {
  world.configure({}, `<system>\nstate_dir ${world.state}\nheartbeat_interval 0\n</system>\n${text}`);
}

describe('agent import, as a process', { concurrency: 2 }, () => {
  test('two pos_files, a dated path, rotated and compressed files: a run after it ships exactly what is left', async (t) => {
    const world = await Case.open(t);
    const day = new Date().toISOString().slice(0, 10).replaceAll('-', '');
    mkdirSync(world.path(day));
    world.write(`${day}/app.log`, 'old\nnew\n');
    world.write('web.log', 'a\nb\n');
    world.write('web.log.2', 'read\n');
    const first = line(world, `${day}/app.log`, 4);
    const second = line(world, 'web.log', 2) + line(world, 'web.log.2', 'done');
    world.rename('web.log', 'web.log.1');
    world.write('web.log', 'c\n');
    world.write('web.log.3.gz', gzipSync('long ago\n'));
    const [one, two] = [join(world.dir, '1.pos'), join(world.dir, '2.pos')];
    writeFileSync(one, first);
    writeFileSync(
      two,
      `${second}${join(world.dir, 'no-such-folder/x.log')}\t${hex(9)}\t${hex(4_294_967_294)}\n`,
    );
    configure(
      world,
      source(world, '%Y%m%d/*.log', `pos_file ${one}`) +
        source(world, 'web.log*', `pos_file ${two}\nexclude_path ["${world.logs}/*.gz"]`) +
        source(world, 'never.log', `pos_file ${world.dir}/never.pos`) +
        kinesis(world, 'logs'),
    );
    const dry = agent('import', world, '--dry-run');
    assert.equal(dry.code, 0, dry.err);
    assert.match(dry.out, /3 of 4 positions would be taken over/);
    assert.ok(!existsSync(join(world.state, 'positions.db')), 'a dry run writes nothing');
    const done = agent('import', world);
    assert.equal(done.code, 0, done.err);
    assert.match(done.out, /never\.pos: is not there, nothing to take over\n/);
    assert.match(done.out, new RegExp(`${day}/app\\.log: at 4, 4 bytes to read\n`));
    assert.match(done.out, /web\.log\.1: at 2, 2 bytes to read\n/);
    assert.match(done.out, /no-such-folder\/x\.log: gone, with inode/);
    assert.match(done.out, /3 of 4 positions are taken over\n$/);
    assert.match(agent('import', world).out, /0 of 4 positions are taken over\n$/);

    world.append(`${day}/app.log`, 'newer\n');
    assert.equal(await runOnce(world), 0);
    assert.deepEqual(world.texts().toSorted(), ['b\n', 'c\n', 'new\n', 'newer\n']);
    assert.deepEqual(world.stream.violations, []);
  });

  test('each of two sources of one file, and each branch of a copy, goes on where fluentd was', async (t) => {
    const world = await Case.open(t);
    world.write('a.log', 'one\ntwo\nthree\n');
    const [one, two] = [join(world.dir, '1.pos'), join(world.dir, '2.pos')];
    writeFileSync(one, line(world, 'a.log', 4));
    writeFileSync(two, line(world, 'a.log', 8));
    const stores = ['left', 'right']
      .map((name) => `<store>\n@type relabel\n@label @${name}\n</store>`)
      .join('\n');
    configure(
      world,
      source(world, 'a.log', `@id first\npos_file ${one}`) +
        source(world, 'a.log', `@id second\n@label @both\npos_file ${two}`) +
        kinesis(world, 'logs') +
        `<label @both>\n<match **>\n@type copy\n${stores}\n</match>\n</label>\n` +
        ['left', 'right'].map((name) => `<label @${name}>\n${kinesis(world, name)}</label>\n`).join(''),
    );
    const done = agent('import', world);
    assert.match(done.out, /2 of 2 positions are taken over\n$/, done.err);
    assert.match(agent('import', world).out, /0 of 2 positions are taken over\n$/);
    assert.equal(await runOnce(world), 0);
    assert.deepEqual(world.texts().toSorted(), ['three\n', 'three\n', 'three\n', 'two\n']);
  });

  test('what cannot be done says why, and its exit code tells', async (t) => {
    const world = await Case.open(t);
    world.write('a.log', 'a\n');
    const pos = join(world.dir, 'f.pos');
    writeFileSync(pos, line(world, 'a.log', 2));
    await world.start();
    const locked = agent('import', world, '--pos-file', pos);
    assert.equal(locked.code, 1);
    assert.match(locked.err, /state folder .* is in use by another agent/);
    await world.stop();

    const none = agent('import', world);
    assert.equal(none.code, 2);
    assert.match(none.err, /no <source> has a pos_file\n {2}name one/);
    assert.equal(agent('import', world, '--pos-file', join(world.dir, 'no.pos')).code, 2);
    writeFileSync(pos, 'nonsense\n');
    const bad = agent('import', world, '--pos-file', pos);
    assert.equal(bad.code, 2);
    assert.match(bad.err, /f\.pos:1: no line of a fluentd pos_file/);

    writeFileSync(pos, line(world, 'a.log', 2));
    rmSync(world.state, { recursive: true });
    writeFileSync(world.state, 'a file in the place of the folder');
    const unwritable = agent('import', world, '--pos-file', pos);
    assert.equal(unwritable.code, 1);
    assert.match(unwritable.err, /state/);
  });
});
