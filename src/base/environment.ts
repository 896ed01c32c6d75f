/**
 * The process's environment variables: the only file that reads them, so that everything else takes its settings
 * as arguments. Kept apart from the configuration, whose schema costs more to load than the command line may.
 */
export type Environment = Readonly<Record<string, string | undefined>>;

export function environment(): Environment {
  return process.env;
}
