import type { Command, Option } from './command.ts';
import { table } from './table.ts';

/** The page of one command. */
export function commandHelp(command: Command): string {
  const options = { ...command.options, help: { type: 'boolean', help: 'Show this page.' } as const };
  const exits = [[0, 'done'], ...command.exits, [2, 'the command line or a configuration is wrong']];
  return [
    `${command.summary}\n`,
    `Usage: ./millrace ${command.usage}\n`,
    ...(command.details === undefined ? [] : [`${command.details}\n`]),
    `Options:\n${optionsText(options)}`,
    `Examples:\n${command.examples.map((example) => `  ${example}\n`).join('')}`,
    `Exit codes:\n${columns(exits.map(([code, meaning]) => [String(code), String(meaning)]))}`,
  ].join('\n');
}

/** The table of commands. */
export function overview(commands: readonly Command[]): string {
  return [
    'Millrace ships logs from servers into search and into an archive: every byte accounted for.\n',
    'Usage: ./millrace COMMAND [options]\n',
    `Commands:\n${columns(commands.map((command) => [command.name, command.summary]))}`,
    './millrace COMMAND --help tells everything about one of them.\n',
  ].join('\n');
}

/** A line for each option. */
export function optionsText(options: Command['options']): string {
  const rows = Object.entries(options).map(([name, option]) => [
    `--${name}${option.value === undefined ? '' : ` ${option.value}`}`,
    optionText(option),
  ]);
  return columns(rows);
}

function optionText(option: Option): string {
  const notes = [
    ...(option.multiple ? ['may be given several times'] : []),
    ...(option.default === undefined ? [] : [`default ${option.default}`]),
  ];
  return notes.length === 0 ? option.help : `${option.help} (${notes.join('; ')})`;
}

/** Columns, set in. */
function columns(rows: string[][]): string {
  return table(rows).replace(/^(?=.)/gm, '  ');
}
