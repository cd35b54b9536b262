import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ErrorNote, Skeleton } from './ui.tsx';

/** A page whose code is loaded once it is visited. */
export const lazy = <Props extends object>(
  load: () => Promise<ComponentType<Props>>,
): ComponentType<Props> => {
  let loaded: ComponentType<Props> | null = null;
  return function Lazy(props: Props) {
    const [, setReady] = useState(loaded !== null);
    const [error, setError] = useState<Error | null>(null);
    const start = (): void => {
      setError(null);
      load().then((component) => {
        loaded = component;
        setReady(true);
      }, setError);
    };
    useEffect(() => {
      if (loaded === null) start();
    }, []);
    if (error) return <ErrorNote error={error} retry={start} />;
    const Loaded = loaded;
    return Loaded ? <Loaded {...props} /> : <Skeleton rows={8} />;
  };
};
