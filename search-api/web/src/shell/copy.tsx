import { useSignal } from '@preact/signals';
import { t } from '../words/words.ts';

/** Resolves with false where there is no clipboard: it exists on https and localhost only. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

export function CopyButton({ text, label }: { text: () => string; label?: string }) {
  const said = useSignal<'copy' | 'copied' | 'failed'>('copy');
  const copy = async () => {
    said.value = (await copyText(text())) ? 'copied' : 'failed';
    setTimeout(() => (said.value = 'copy'), 1500);
  };
  return (
    <button type="button" class="copy" onClick={() => void copy()}>
      {said.value === 'copy' ? (label ?? t('copy')) : t(`copy.${said.value}`)}
    </button>
  );
}
