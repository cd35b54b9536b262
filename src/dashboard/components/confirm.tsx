import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

interface Question {
  text: string;
  verb: string;
  answer(isYes: boolean): void;
}

const question = signal<Question | null>(null);

/** Asks before something that cannot be undone. */
export const confirm = (text: string, verb: string): Promise<boolean> =>
  new Promise((answer) => (question.value = { text, verb, answer }));

export const ConfirmDialog = () => {
  const dialog = useRef<HTMLDialogElement>(null);
  const pending = question.value;
  useEffect(() => {
    if (pending) dialog.current?.showModal();
  }, [pending]);
  if (!pending) return null;
  const close = (isYes: boolean): void => {
    question.value = null;
    pending.answer(isYes);
  };
  return (
    <dialog
      ref={dialog}
      aria-label="Confirm"
      onCancel={(event) => {
        event.preventDefault();
        close(false);
      }}
    >
      <p>{pending.text}</p>
      <div class="row end">
        <button onClick={() => close(false)}>
          {pending.verb === 'Cancel' ? 'Back' : 'Cancel'}
        </button>
        <button class="danger" onClick={() => close(true)}>
          {pending.verb}
        </button>
      </div>
    </dialog>
  );
};
