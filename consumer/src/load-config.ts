import { readFileSync } from 'node:fs';
import { validateConfig } from '@millrace/core/config/validate.ts';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import { type ConsumerConfig, ConsumerConfigSchema } from './config.ts';

/** @throws MillraceError CONFIG_INVALID: not readable, not JSON, or not what the schema asks for */
export function loadConfig(file: string): ConsumerConfig {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new MillraceError('CONFIG_INVALID', `${file}: ${messageOf(cause)}`, { cause });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new MillraceError('CONFIG_INVALID', `${file}: not JSON: ${messageOf(cause)}`, { cause });
  }
  return validateConfig(ConsumerConfigSchema, value, file);
}
