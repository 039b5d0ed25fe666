import { signal } from '@preact/signals';
import { keep, readKept } from '../state/kept.ts';

export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const kept = 'millrace.theme';
const dark = matchMedia('(prefers-color-scheme: dark)');
const systemDark = signal(dark.matches);
dark.addEventListener('change', () => {
  systemDark.value = dark.matches;
});

export const chosenTheme = signal<Theme>(themes.find((name) => name === readKept(kept)) ?? 'system');
/** What shows: canvas is drawn anew when it changes. */
export const theme = signal<'light' | 'dark'>('light');

export function applyTheme(): void {
  const chosen = chosenTheme.value;
  theme.value = chosen === 'system' ? (systemDark.value ? 'dark' : 'light') : chosen;
  document.documentElement.dataset.theme = theme.value;
}

export function setTheme(name: Theme): void {
  keep(kept, name);
  chosenTheme.value = name;
}
