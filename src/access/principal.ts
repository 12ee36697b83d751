/** What an access rule can ask for. `service` is an API client: another backend. */
export const ROLES = ['user', 'service', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** Who is asking: a person, an API client, or the service itself. */
export interface Principal {
  type: 'user' | 'client' | 'system';
  /** The id in `users` or `api_clients`; null for the system. */
  id: number | null;
  name: string;
  role: Role;
  /** The session of a user's access token. */
  sessionId?: number | undefined;
  /** The request this principal acts in; null outside HTTP. */
  requestId: string | null;
}

/** Who is asking, apart from the request they ask in. */
export type Identity = Omit<Principal, 'requestId'>;

/** The service acting on its own: background processing. */
export const SYSTEM: Principal = { type: 'system', id: null, name: 'processing', role: 'service', requestId: null };

/** The roles that may see and change what belongs to others. A role that is not listed sees its own only. */
const STAFF: readonly Role[] = ['service', 'admin'];

/** True for those who may see and change what belongs to others. */
export function isStaff({ role }: Principal): boolean {
  return STAFF.includes(role);
}
