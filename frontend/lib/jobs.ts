/** Jobs as the API gives them, and what can be asked of one. */
import { api } from "./api";
import type { components } from "./api.generated";

type Shapes = components["schemas"];
export type Job = Shapes["Job"];
export type Queue = Shapes["Queue"];
export type Device = Shapes["DeviceSchema"];
export type Verdict = Shapes["RepeatVerdict"];

export const jobs = {
  get: (id: string): Promise<Job> => api.get<Job>(`jobs/${id}`),
  rename: (id: string, name: string): Promise<Job> => api.patch<Job>(`jobs/${id}`, { name }),
  ask: (id: string, what: "stop" | "pause" | "resume"): Promise<Job> => api.post<Job>(`jobs/${id}/${what}`),
  now: (id: string, what: "evaluate" | "sample" | "probe", body?: { prompt?: string }): Promise<Job> => api.post<Job>(`jobs/${id}/${what}`, body),
  checkpoints: (id: string): Promise<Shapes["CheckpointList"]> => api.get(`jobs/${id}/checkpoints`),
  fork: (id: string, body: Shapes["ForkRequest"]): Promise<Job> => api.post<Job>(`jobs/${id}/fork`, body),
  repeat: (id: string, threads: number | null): Promise<Job> => api.post<Job>(`jobs/${id}/repeat`, { threads }),
  verdict: (id: string): Promise<Verdict> => api.get<Verdict>(`jobs/${id}/repeat`),
  receipt: (id: string): Promise<unknown> => api.get<unknown>(`jobs/${id}/receipt`),
};
