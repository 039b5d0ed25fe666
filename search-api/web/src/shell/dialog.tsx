import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { t } from '../words/words.ts';
import { Icon } from './icons.tsx';

interface DialogProps {
  title: string;
  close(): void;
  children: ComponentChildren;
  wide?: boolean;
  /** As high as the page, and with keys of its own. */
  drawer?: boolean;
}

/** A dialog of the browser: it keeps the focus, gives it back, and Escape closes it. */
export function Dialog({ title, close, children, wide, drawer }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const pressed = useRef<EventTarget | null>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    const dialog = element.current;
    dialog?.showModal();
    // The browser would begin with the button that closes it.
    (dialog?.querySelector<HTMLElement>('input, select') ?? dialog)?.focus();
    return () => before?.isConnected === true && before.focus();
  }, []);
  return (
    <dialog
      ref={element}
      tabIndex={-1}
      class={drawer ? 'drawer' : wide ? 'wide' : ''}
      aria-labelledby={id}
      onClose={close}
      onPointerDown={(event) => {
        pressed.current = event.target;
      }}
      // Text that is marked to beyond the edge ends outside, but did not begin there.
      onClick={(event) => {
        if (event.target === element.current && pressed.current === element.current) close();
      }}
    >
      <div class="dialog">
        <header>
          <h2 id={id}>{title}</h2>
          <button type="button" class="icon-button" aria-label={t('close')} onClick={close}>
            <Icon name="close" />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
