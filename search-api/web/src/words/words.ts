import { computed, signal } from '@preact/signals';
import { keep, readKept } from '../state/kept.ts';
import type { Manner } from '../time/format.ts';
import { en } from './en.ts';
import { ko } from './ko.ts';

export type Key = keyof typeof en;
export const languages = { en, ko } as const;
export type Language = keyof typeof languages;

const kept = 'millrace.language';
const keptZone = 'millrace.zone';

export const language = signal<Language>(firstLanguage());
/** Times as the browser's zone has them, or as servers write them. */
export const zone = signal<'local' | 'utc'>(readKept(keptZone) === 'utc' ? 'utc' : 'local');
export const manner = computed<Manner>(() => ({
  language: language.value,
  zone: zone.value === 'utc' ? 'UTC' : undefined,
}));

/** The text for a key, with `{name}` replaced. For a `count` there may be a text of its own for one. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  const words: Record<Key, string> = languages[language.value];
  const text = values.count === 1 || values.count === '1' ? (one(words, key) ?? words[key]) : words[key];
  return text.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ''));
}

function one(words: Record<string, string>, key: string): string | undefined {
  return words[`${key}.one`];
}

export function setLanguage(value: Language): void {
  keep(kept, value);
  language.value = value;
}

export function setZone(value: 'local' | 'utc'): void {
  keep(keptZone, value);
  zone.value = value;
}

function firstLanguage(): Language {
  for (const wanted of [readKept(kept), ...navigator.languages]) {
    const short = wanted?.split('-')[0] ?? '';
    if (Object.hasOwn(languages, short)) return short as Language;
  }
  return 'en';
}
