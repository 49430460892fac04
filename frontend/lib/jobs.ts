/** Jobs as the API gives them, and what can be asked of one. */
import { api } from "./api";
import type { components } from "./api.generated";

export type Job = components["schemas"]["Job"];

export const jobs = {
  get: (id: string): Promise<Job> => api.get<Job>(`jobs/${id}`),
  rename: (id: string, name: string): Promise<Job> => api.patch<Job>(`jobs/${id}`, { name }),
  ask: (id: string, what: "stop" | "pause" | "resume"): Promise<Job> => api.post<Job>(`jobs/${id}/${what}`),
  receipt: (id: string): Promise<unknown> => api.get<unknown>(`jobs/${id}/receipt`),
};
