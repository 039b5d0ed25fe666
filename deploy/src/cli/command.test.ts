import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMillraceError } from '@millrace/core/errors.ts';
import { type Command, integerOption, parseCommand } from './command.ts';
import { commandHelp, overview } from './help.ts';
import { commands } from './registry.ts';

const command: Command = {
  name: 'up',
  summary: 'Start.',
  usage: 'up [--logs GLOB]…',
  options: {
    logs: { type: 'string', multiple: true, value: 'GLOB', help: 'Files.' },
    'port-base': { type: 'string', value: 'N', default: '6700', help: 'Port.' },
    demo: { type: 'boolean', help: 'Demo.' },
  },
  positionals: { min: 0, max: 1 },
  examples: ['./millrace up'],
  exits: [[1, 'it failed']],
  run: async () => 0,
};

test('options may repeat, have defaults, and are written with a space or an equals sign', () => {
  const parsed = parseCommand(command, ['--logs', '/a/*.log', '--logs=/b', '--demo']);
  assert.deepEqual(parsed.lists.logs, ['/a/*.log', '/b']);
  assert.equal(parsed.strings['port-base'], '6700');
  assert.equal(parsed.flags.demo, true);
});

const wrong: [args: string[], says: RegExp][] = [
  [['--log', '/a'], /unknown option --log, did you mean --logs\?/],
  [['--zebra'], /unknown option --zebra$/],
  [['-x'], /unknown option -x$/],
  [['--port-base', '--demo'], /^up: Option '--port-base' argument is ambiguous$/],
  [['--port-base'], /'--port-base <value>' argument missing/],
  [['--demo=yes'], /does not take an argument/],
  [['a', 'b'], /"b" is one argument too many/],
];
for (const [args, says] of wrong) {
  test(`"${args.join(' ')}" is refused with a sentence`, () => {
    assert.throws(
      () => parseCommand(command, args),
      (error) => isMillraceError(error, 'USAGE') && says.test(error.message),
    );
  });
}

test('a command that lacks its argument says how it is used, unless it was asked for help', () => {
  const needy = { ...command, positionals: { min: 1, max: 1 } };
  assert.throws(
    () => parseCommand(needy, []),
    (error) => isMillraceError(error, 'USAGE') && error.hint === 'usage: ./millrace up [--logs GLOB]…',
  );
  assert.equal(parseCommand(needy, ['--help']).flags.help, true);
});

test('an argument that looks like an option is explained, and taken after --', () => {
  assert.throws(
    () => parseCommand(command, ['-debug']),
    (error) => isMillraceError(error, 'USAGE') && /write -- before/.test(error.hint ?? ''),
  );
  assert.deepEqual(parseCommand(command, ['--', '-debug']).positionals, ['-debug']);
});

test('a number option is held to its bounds', () => {
  const parsed = parseCommand(command, ['--port-base', '80']);
  assert.equal(integerOption(parsed, 'port-base', 1, 100), 80);
  assert.throws(() => integerOption(parsed, 'port-base', 1024, 65_535), /"80" is not a number from 1024/);
  const text = parseCommand(command, ['--port-base', '6700x']);
  assert.throws(() => integerOption(text, 'port-base', 1, 65_535), /"6700x"/);
});

test('every command has a help page with its options, examples and exit codes', () => {
  for (const known of commands) {
    const help = commandHelp(known);
    for (const option of Object.keys(known.options)) assert.match(help, new RegExp(`--${option}\\b`));
    assert.match(help, /Examples:\n {2}\.\/millrace/);
    assert.match(help, /Exit codes:\n {2}0 {2}done/);
    assert.match(overview(commands), new RegExp(`^ {2}${known.name} `, 'm'));
  }
});
