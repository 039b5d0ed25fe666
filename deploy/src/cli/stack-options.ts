import { join, resolve } from 'node:path';
import { portBaseDefault } from '../local/ports.ts';
import type { CliContext, Option, Parsed } from './command.ts';

/** The option that chooses a stack, the same for every command. */
export const dataOption: Option = {
  type: 'string',
  value: 'DIR',
  help: 'Folder of everything the stack keeps (default .millrace/data in the project).',
};

export const portBaseOption: Option = {
  type: 'string',
  value: 'N',
  default: String(portBaseDefault),
  help: 'First of eight ports; the search API and the page are on it.',
};

/** The absolute data folder. */
export function dataDirOf(context: CliContext, parsed: Parsed): string {
  const given = parsed.strings.data;
  return given === undefined ? join(context.root, '.millrace', 'data') : resolve(context.cwd, given);
}
