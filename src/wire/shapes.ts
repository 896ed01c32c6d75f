/** Words of the schemas of this room. */
import Type from 'typebox';

export const Strings = Type.Array(Type.String());
export const StringMap = Type.Record(Type.String(), Type.String());
export const Nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
export const Enum = <const T extends readonly string[]>(values: T) =>
  Type.Enum(values as unknown as string[]) as unknown as Type.TUnsafe<T[number]>;
