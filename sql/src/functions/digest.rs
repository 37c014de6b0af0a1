//! Digests: `md5` and the SHA-2 family.

use heliosdb_storage::value::{DataType, Value};
use md5::Md5;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::{Code, ScalarFunction, bad_arguments};
use crate::error::Result;
use crate::types::bytea::push_hex;

const T: DataType = DataType::Text;
const B: DataType = DataType::Bytea;

const fn sha(name: &'static str, call: Code) -> ScalarFunction {
    ScalarFunction::new(name, &[B], B, call)
}

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction::new("md5", &[T], T, |_, args| md5(args)),
    ScalarFunction::new("md5", &[B], T, |_, args| md5(args)),
    sha("sha224", |_, args| digest::<Sha224>(args)),
    sha("sha256", |_, args| digest::<Sha256>(args)),
    sha("sha384", |_, args| digest::<Sha384>(args)),
    sha("sha512", |_, args| digest::<Sha512>(args)),
];

fn md5(args: &[Value]) -> Result<Value> {
    let bytes = match args {
        [Value::Text(text)] => text.as_bytes(),
        [Value::Bytea(bytes)] => bytes,
        _ => return Err(bad_arguments("md5", args)),
    };
    let mut out = String::new();
    push_hex(&Md5::digest(bytes), &mut out);
    Ok(Value::text(out))
}

fn digest<D: Digest>(args: &[Value]) -> Result<Value> {
    match args {
        [Value::Bytea(bytes)] => Ok(Value::Bytea(D::digest(bytes).as_slice().into())),
        _ => Err(bad_arguments("a digest", args)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn md5_is_hexadecimal() {
        assert_eq!(md5(&[Value::text("abc")]).unwrap(), Value::text("900150983cd24fb0d6963f7d28e17f72"));
    }
}
