import type { Rule } from '@millrace/core/rule/rule.ts';
import type { Filter } from '../../filter/filter.ts';
import type { Framing, Output, PushSource, SystemConfig, TailSource } from '../pipeline.ts';
import type { Problems } from '../problems.ts';
import type { ConfigSection } from '../syntax/tree.ts';
import { sizeText, timeText, type ValueType } from '../values.ts';

/** One parameter that has an effect. */
export interface Param<T> {
  type: ValueType<unknown>;
  /** What it is when not given; undefined where `required` or where its absence has a meaning of its own. */
  fallback: T;
  /** The same for people. */
  defaultText: string;
  required: boolean;
  doc: string;
}

export type Params = Readonly<Record<string, Param<unknown>>>;

/** The settings that a table of parameters reads to. */
export type SettingsOf<P extends Params> = {
  [K in keyof P]: P[K] extends Param<infer T> ? T : never;
};

/** A parameter that asks for something the agent does not do: an error, for ignoring it would change what is delivered. */
export interface Refused {
  why: string;
  /** Values that ask for nothing and may stay. */
  harmless?: readonly string[];
}

/** All names that a section may contain, and what becomes of them. */
export interface Table<P extends Params = Params> {
  /** How messages and docs call the section, as in `<source> @type tail`. */
  title: string;
  doc: string;
  params: P;
  /** Parameters and sections of fluentd without effect here, and why: each yields a notice. */
  notApplicable?: Readonly<Record<string, string>>;
  refused?: Readonly<Record<string, Refused>>;
  /** Sections inside that have tables of their own. */
  sections?: readonly string[];
  /** Those of `sections` that may be given several times. */
  repeatable?: readonly string[];
  sectionsNotApplicable?: Readonly<Record<string, string>>;
}

/** What compiling depends on besides the text. */
export interface Context {
  problems: Problems;
  env: Readonly<Record<string, string | undefined>>;
  hostname: string;
  /** The agent's own zone, IANA name or ±HH:MM. */
  timeZone: string;
  /** Number of the section among its kind, from 1: makes an id where none is given. */
  number: number;
}

export interface ParsedBy {
  framing: Framing;
  rule: Rule;
}

export interface ParserPlugin {
  table: Table;
  compile(section: ConfigSection, context: Context): ParsedBy;
}

export interface SourcePlugin {
  table: Table;
  /** The compiler adds the label. */
  compile(section: ConfigSection, context: Context): Omit<TailSource, 'label'> | Omit<PushSource, 'label'>;
}

export interface FilterPlugin {
  table: Table;
  compile(section: ConfigSection, context: Context): Filter;
}

export interface OutputPlugin {
  table: Table;
  compile(section: ConfigSection, context: Context): Output;
}

export interface SystemPlugin {
  table: Table;
  compile(section: ConfigSection | undefined, context: Context): SystemConfig;
}

export function required<T>(type: ValueType<T>, doc: string): Param<T> {
  return { type, fallback: undefined as T, defaultText: '', required: true, doc };
}

/** `absent` says what happens without it. */
export function optional<T>(type: ValueType<T>, absent: string, doc: string): Param<T | undefined> {
  return { type, fallback: undefined, defaultText: absent, required: false, doc };
}

export function withDefault<T>(type: ValueType<T>, fallback: NoInfer<T>, doc: string): Param<T> {
  return { type, fallback, defaultText: defaultText(type.name, fallback), required: false, doc };
}

function defaultText(type: string, value: unknown): string {
  if (typeof value === 'number' && type === 'size') return `\`${sizeText(value)}\``;
  if (typeof value === 'number' && type === 'time') return `\`${timeText(value)}\``;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? `\`${value}\``
    : 'none';
}
