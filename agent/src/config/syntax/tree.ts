import { MillraceError } from '@millrace/core/errors.ts';

/** A place in a configuration file; lines count from 1. */
export interface Place {
  file: string;
  line: number;
}

export interface ConfigParam extends Place {
  /** Text after quotes, escapes and embedded Ruby; JSON values as their canonical text. */
  value: string;
  quoted: boolean;
  /** Why the value is nil (`use_nil`, or a variable that is not set): the parameter counts as not given. */
  nil?: string;
}

/** `<name arg>` … `</name>`. The root is a section without a name. */
export interface ConfigSection extends Place {
  name: string;
  arg: string;
  params: Map<string, ConfigParam>;
  children: ConfigSection[];
}

/** What Ruby in double quotes may ask for; injected, so that nothing here reads the process's environment. */
export interface RubyEnvironment {
  env: Readonly<Record<string, string | undefined>>;
  hostname: string;
}

export function placeText(place: Place): string {
  return `${place.file}:${place.line}`;
}

/** The error of everything that is wrong in a configuration: `file:line: subject: what`. */
export function configError(place: Place, what: string, hint?: string): MillraceError {
  return new MillraceError(
    'CONFIG_INVALID',
    `${placeText(place)}: ${what}`,
    hint === undefined ? {} : { hint },
  );
}

/** Whether messages must not show a parameter's value; proxies may have a password in their address. */
export function isSecret(name: string): boolean {
  return /^(?:key|shared_key|password|\w*(?:sec_key|ses_token|passphrase|secret|http_proxy))$/.test(name);
}
