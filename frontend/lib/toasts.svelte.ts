/** Short messages at the foot of the page. One may carry an action, most often Undo; it then stays longer. */
export type Toast = { id: number; message: string; action?: { label: string; run: () => void } | undefined };

export const toasts = $state<Toast[]>([]);
let next = 1;

/** Removes a message before its time. */
export function dismiss(id: number): void {
  const at = toasts.findIndex((toast) => toast.id === id);
  if (at >= 0) toasts.splice(at, 1);
}

/** Shows a message for `ms`; returns its id. */
export function toast(message: string, action?: Toast["action"], ms = action ? 7000 : 4000): number {
  const id = next++;
  for (const same of toasts.filter((each) => each.message === message && !each.action)) dismiss(same.id);
  toasts.push({ id, message, action });
  setTimeout(() => dismiss(id), ms);
  return id;
}
