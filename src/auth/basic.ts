/** What HTTP Basic carries: the credentials of an API client. */
export interface BasicCredentials {
  clientId: string;
  secret: string;
}

/**
 * Reads an `Authorization` header; null unless it is Basic and names a client. The Authorize button of Swagger UI sends
 * an empty name with the password grant, which names nobody.
 */
export function readBasic(authorization = ''): BasicCredentials | null {
  const [, encoded] = /^basic +([\w+/-]+=*)$/i.exec(authorization) ?? [];
  const [, clientId, secret] = /^([^:]+):(.*)$/s.exec(Buffer.from(encoded ?? '', 'base64').toString()) ?? [];
  return clientId === undefined || secret === undefined ? null : { clientId, secret };
}
