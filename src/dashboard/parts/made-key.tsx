import { madeKey } from '../api.ts';

export const MadeKey = () =>
  madeKey.value === null ? null : (
    <div class="note" role="alert">
      <p>
        Your new key. Copy it now, it is shown this once; the service asks for a key from now on.
      </p>
      <code class="secret">{madeKey.value}</code>
      <button type="button" class="small" onClick={() => (madeKey.value = null)}>
        I have it
      </button>
    </div>
  );
