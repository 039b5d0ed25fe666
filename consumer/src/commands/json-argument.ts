import { readFileSync } from 'node:fs';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';

/**
 * The JSON of an option that takes a file, or the JSON itself where no file can be brought along, as in a task of ECS:
 * a value that begins with `{`. `where` is what errors about its content name: the file, or the option.
 * @throws MillraceError CONFIG_INVALID: not readable, or not JSON
 */
export function jsonArgument(option: string, value: string): { where: string; json: unknown } {
  const inline = value.trimStart().startsWith('{');
  const where = inline ? option : value;
  try {
    return { where, json: JSON.parse(inline ? value : readFileSync(value, 'utf8')) };
  } catch (cause) {
    throw new MillraceError('CONFIG_INVALID', `${where}: ${messageOf(cause)}`, {
      cause,
      hint: `${option} takes a file, or JSON that begins with {`,
    });
  }
}
