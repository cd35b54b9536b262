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
  const asked = question.value;
  useEffect(() => {
    if (asked) dialog.current?.showModal();
  }, [asked]);
  if (!asked) return null;
  const close = (isYes: boolean): void => {
    question.value = null;
    asked.answer(isYes);
  };
  return (
    <dialog
      ref={dialog}
      aria-label="Please confirm"
      onCancel={(event) => {
        event.preventDefault();
        close(false);
      }}
    >
      <p>{asked.text}</p>
      <div class="row end">
        <button onClick={() => close(false)}>Leave it</button>
        <button class="danger" onClick={() => close(true)}>
          {asked.verb}
        </button>
      </div>
    </dialog>
  );
};
