import { useState } from "react";

export interface Call<T> {
  busy: boolean;
  error: unknown;
  result: T | null;
  /** What the call answered; undefined when it failed, and `error` says why. */
  run: (call: () => Promise<T>) => Promise<T | undefined>;
}

/** Runs one call at a time and keeps what a dialog has to show of it. */
export function useCall<T>(): Call<T> {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [result, setResult] = useState<T | null>(null);
  const run = async (call: () => Promise<T>) => {
    setBusy(true);
    setError(null);
    try {
      const answer = await call();
      setResult(answer);
      return answer;
    } catch (problem) {
      setError(problem);
      return undefined;
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, result, run };
}
