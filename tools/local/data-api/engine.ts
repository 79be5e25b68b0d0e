/** A value in Postgres's own text format, with the type (OID) it is bound as; 0 leaves that to the server. */
export interface BoundValue {
  readonly typeOid: number
  readonly value: string | null
}

/** A column of a result. */
export interface Column {
  readonly name: string
  readonly typeOid: number
}

/** A statement's result, with every value in Postgres's own text format. */
export interface QueryResult {
  /** The first word or words of Postgres's command tag: `SELECT`, `INSERT`, `CREATE TABLE`. */
  readonly command: string
  /** Rows written; 0 for a SELECT. */
  readonly affectedRows: number
  readonly columns: readonly Column[]
  readonly rows: readonly (readonly (string | null)[])[]
}

/** One database session: statements run one after the other, in one transaction if one was begun. */
export interface Session {
  /** One statement over the extended protocol. Rejects with an error that has Postgres's fields. */
  query(text: string, values?: readonly BoundValue[]): Promise<QueryResult>
  /** One statement without values or a result, in a tenth of the time. Rejects as `query` does. */
  run(text: string): Promise<void>
  /** Releases the session, outside any transaction. It must not be used afterwards. */
  release(): Promise<void>
}

/** A real Postgres, embedded or on a server, behind the local Data API. */
export interface Engine {
  /** Description for the developer. */
  readonly description: string
  /** Waits until a session is free. */
  session(): Promise<Session>
  close(): Promise<void>
}
