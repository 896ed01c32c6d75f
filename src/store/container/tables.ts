// biome-ignore lint/suspicious/noEmptyInterface: its tables come with the first queries
export interface ContainerTables {}
