import { readFileSync } from 'node:fs';
import { validateConfig } from '@millrace/core/config/validate.ts';
import { isMillraceError, MillraceError, messageOf } from '@millrace/core/errors.ts';
import { compileDecoder } from '@millrace/core/parse/encoding.ts';
import { type ConsumerConfig, ConsumerConfigSchema } from './config.ts';
import { assertCountable } from './counters/config.ts';

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
  const config = validateConfig(ConsumerConfigSchema, value, file);
  assertEncoding(config.foreign.encoding, file);
  if (config.counters !== undefined) assertCountable(config.counters, file);
  return config;
}

function assertEncoding(label: string | undefined, file: string): void {
  try {
    compileDecoder(label);
  } catch (cause) {
    const hint = isMillraceError(cause) ? cause.hint : undefined;
    throw new MillraceError('CONFIG_INVALID', `${file}: foreign.encoding: ${messageOf(cause)}`, {
      cause,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}
