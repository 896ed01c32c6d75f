/** As Neutron's agents look for them: 14 characters in all. */
export function linkNames(portId: string): { readonly host: string; readonly container: string } {
  const digits = portId.slice(0, 11);
  return { host: `tap${digits}`, container: `t_c${digits}` };
}
