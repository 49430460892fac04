/** Jobs as the API gives them, and what can be asked of one. */
import { api } from "./api";

export interface JobReference {
  id: string;
  name: string;
}

export interface Job {
  id: string;
  kind: string;
  name: string;
  status: string;
  desired: string;
  reason: { code: string; message: string } | null;
  attempt: number;
  step: number;
  steps: number | null;
  progress: number;
  seconds_left: number | null;
  params: Record<string, unknown>;
  inputs: Record<string, { id: string | null; name: string }>;
  tokenizer: JobReference | string | null;
  model: JobReference | string | null;
  error: { failure: string; message: string } | null;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  last_seq: number;
  url: string;
}

export const jobs = {
  get: (id: string): Promise<Job> => api.get<Job>(`jobs/${id}`),
  rename: (id: string, name: string): Promise<Job> => api.patch<Job>(`jobs/${id}`, { name }),
  ask: (id: string, what: "stop" | "pause" | "resume"): Promise<Job> => api.post<Job>(`jobs/${id}/${what}`),
  receipt: (id: string): Promise<unknown> => api.get<unknown>(`jobs/${id}/receipt`),
};

/** The id of a tokenizer or model of a job, however much of it the API says. */
export function idOf(reference: JobReference | string | null): string | null {
  return typeof reference === "string" ? reference : (reference?.id ?? null);
}
