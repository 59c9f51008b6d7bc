type Fan = { readonly callbacks: Set<() => void>; readonly listener: () => void };

const fans = new WeakMap<AbortSignal, Fan>();

/**
 * Calls `callback` once `signal` aborts; the result takes that back. However many requests one signal ends, it has one
 * listener: Node warns of a leak at eleven, and one of a long-lived program must not keep any when reading is done.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const fan = fans.get(signal) ?? makeFan(signal);
  fan.callbacks.add(callback);
  return () => {
    fan.callbacks.delete(callback);
    if (fan.callbacks.size > 0) return;
    signal.removeEventListener("abort", fan.listener);
    if (fans.get(signal) === fan) fans.delete(signal);
  };
}

function makeFan(signal: AbortSignal): Fan {
  const callbacks = new Set<() => void>();
  const listener = () => {
    fans.delete(signal);
    for (const callback of [...callbacks]) callback();
  };
  signal.addEventListener("abort", listener, { once: true });
  const fan = { callbacks, listener };
  fans.set(signal, fan);
  return fan;
}
