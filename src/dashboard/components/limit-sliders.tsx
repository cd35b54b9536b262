import { useState } from 'preact/hooks';
import { api } from '../api.ts';
import { useAction } from '../hooks.ts';
import {
  mayWriteLimits,
  toSettings,
  toBody,
  toLimitPath,
  toRateWords,
  type LimitAnswer,
  type LimitSettings,
} from '../limits.ts';

const STEPS = [1, 2, 3, 5, 8, 10, 15, 20, 30, 50, 75, 100, 150, 200, 300, 500, 750, 1_000];

/** The steps, what is set now among them, and "not limited" at the end. */
const findSteps = (value: number | null): (number | null)[] => [
  ...new Set([...STEPS, ...(value === null ? [] : [value])].toSorted((a, b) => a - b)),
  null,
];

/** A number by a slider; what it says changes with it, and is set once it is let go. */
const StepSlider = ({
  id,
  label,
  value,
  toWords,
  set,
}: {
  id: string;
  label: string;
  value: number | null;
  toWords(value: number): string;
  set(value: number | null): void;
}) => {
  const [moved, setMoved] = useState<number | null | undefined>(undefined);
  const steps = findSteps(value);
  const shown = moved === undefined ? value : moved;
  const words = shown === null ? 'not limited' : toWords(shown);
  const read = (input: HTMLInputElement): number | null => steps[Number(input.value)] ?? null;
  return (
    <div class="field slider">
      <label for={id}>
        {label} <output for={id}>{words}</output>
      </label>
      <input
        id={id}
        type="range"
        min={0}
        max={steps.length - 1}
        value={steps.indexOf(shown)}
        aria-valuetext={words}
        disabled={!mayWriteLimits()}
        onInput={(event) => setMoved(read(event.currentTarget))}
        onChange={(event) => {
          set(read(event.currentTarget));
          setMoved(undefined);
        }}
      />
    </div>
  );
};

const PER_SECOND = { per_seconds: 1 };

/** The numbers of a limit; each holds as soon as it is let go. */
export const LimitSliders = ({ limit, onChanged }: { limit: LimitAnswer; onChanged(): void }) => {
  const [, act] = useAction();
  const settings = toSettings(limit);
  const change = (more: Partial<LimitSettings>): void =>
    act(async () => {
      await api('PUT', toLimitPath(limit.key), toBody({ ...settings, ...more }));
      onChanged();
      return `${limit.key} is changed`;
    });
  const setRate =
    (name: 'rate' | 'subRate') =>
    (count: number | null): void => {
      const { per_seconds } = settings[name] ?? PER_SECOND;
      change({ [name]: count === null ? null : { count, per_seconds } });
    };
  const rateWords =
    (name: 'rate' | 'subRate') =>
    (count: number): string =>
      toRateWords({ burst: 0, ...(settings[name] ?? PER_SECOND), count });
  const atOnce = (count: number): string => `${count} at once`;
  return (
    <div class="fields">
      <StepSlider
        id="max"
        label="Running"
        value={settings.max_running}
        toWords={atOnce}
        set={(value) => change({ max_running: value })}
      />
      <StepSlider
        id="rate"
        label="Beginning"
        value={settings.rate?.count ?? null}
        toWords={rateWords('rate')}
        set={setRate('rate')}
      />
      <StepSlider
        id="sub-max"
        label="Running, each sub-key"
        value={settings.subMax}
        toWords={atOnce}
        set={(value) => change({ subMax: value })}
      />
      <StepSlider
        id="sub-rate"
        label="Beginning, each sub-key"
        value={settings.subRate?.count ?? null}
        toWords={rateWords('subRate')}
        set={setRate('subRate')}
      />
    </div>
  );
};
