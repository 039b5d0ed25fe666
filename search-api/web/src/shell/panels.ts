import { signal } from '@preact/signals';

export type Panel = 'help' | 'saved' | 'export';

/** The dialog that is open. */
export const panel = signal<Panel | undefined>(undefined);

export function openPanel(name: Panel): void {
  panel.value = name;
}

export function closePanel(): void {
  panel.value = undefined;
}
