//! A line fitted to points from Rust, over declarations written by hand: handles that drop themselves, and Results.
//!
//!     rustc --edition 2021 -O fit.rs $(pkg-config --libs-only-L apus)

use std::ffi::{c_char, c_void, CStr};
use std::fmt;

/// What this program uses of apus/apus.h. Enumerators are C ints, and their numbers never change.
mod ffi {
    use super::*;

    #[repr(C)]
    pub struct Tensor {
        _private: [u8; 0],
    }
    #[repr(C)]
    #[derive(Default)]
    pub struct Scalar {
        pub kind: i32,
        pub is_unsigned: bool,
        pub integer: i64,
        pub real: f64,
        pub imaginary: f64,
    }
    pub const OK: i32 = 0;
    pub const FLOAT32: i32 = 11;
    pub const SCALAR_FLOAT: i32 = 2;
    pub const BINARY_SUB: i32 = 1;
    pub const BINARY_MUL: i32 = 2;
    pub const REDUCE_SUM: i32 = 0;
    pub const CPU: i32 = 0;

    #[link(name = "apus")]
    extern "C" {
        pub fn apus_last_error() -> *const c_char;
        pub fn apus_tensor_from_data(
            out: *mut *mut Tensor, dtype: i32, rank: i32, shape: *const i64, data: *const c_void, device: i32,
        ) -> i32;
        pub fn apus_tensor_release(t: *mut Tensor);
        pub fn apus_tensor_transpose(out: *mut *mut Tensor, t: *const Tensor, dim0: i32, dim1: i32) -> i32;
        pub fn apus_tensor_read(t: *const Tensor, dtype: i32, data: *mut c_void, bytes: usize) -> i32;
        pub fn apus_tensor_item(t: *const Tensor, out: *mut Scalar) -> i32;
        pub fn apus_binary(out: *mut *mut Tensor, op: i32, a: *const Tensor, b: *const Tensor) -> i32;
        pub fn apus_binary_scalar(
            out: *mut *mut Tensor, op: i32, a: *const Tensor, b: *const Scalar, reversed: bool,
        ) -> i32;
        pub fn apus_matmul(out: *mut *mut Tensor, a: *const Tensor, b: *const Tensor) -> i32;
        pub fn apus_reduce(
            out: *mut *mut Tensor, op: i32, x: *const Tensor, count: i32, dims: *const i32, keep_dim: bool,
        ) -> i32;
    }
}

/// What went wrong: the status, and the library's one line of text.
#[derive(Debug)]
struct Error {
    status: i32,
    message: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} (status {})", self.message, self.status)
    }
}

fn check(status: i32) -> Result<(), Error> {
    if status == ffi::OK {
        return Ok(());
    }
    // The text is the thread's own and stays until its next failure.
    let message = unsafe { CStr::from_ptr(ffi::apus_last_error()) }.to_string_lossy().into_owned();
    Err(Error { status, message })
}

/// Owns one reference to a tensor.
struct Tensor(*mut ffi::Tensor);

impl Drop for Tensor {
    fn drop(&mut self) {
        unsafe { ffi::apus_tensor_release(self.0) }
    }
}

impl Tensor {
    /// The tensor that a function of the library makes.
    fn make(function: impl FnOnce(*mut *mut ffi::Tensor) -> i32) -> Result<Tensor, Error> {
        let mut out = std::ptr::null_mut();
        check(function(&mut out))?;
        Ok(Tensor(out))
    }

    fn new(values: &[f32], shape: &[i64]) -> Result<Tensor, Error> {
        assert_eq!(values.len() as i64, shape.iter().product::<i64>());
        Tensor::make(|out| unsafe {
            let data = values.as_ptr() as *const c_void;
            ffi::apus_tensor_from_data(out, ffi::FLOAT32, shape.len() as i32, shape.as_ptr(), data, ffi::CPU)
        })
    }

    fn t(&self) -> Result<Tensor, Error> {
        Tensor::make(|out| unsafe { ffi::apus_tensor_transpose(out, self.0, 0, 1) })
    }

    fn matmul(&self, b: &Tensor) -> Result<Tensor, Error> {
        Tensor::make(|out| unsafe { ffi::apus_matmul(out, self.0, b.0) })
    }

    fn binary(&self, op: i32, b: &Tensor) -> Result<Tensor, Error> {
        Tensor::make(|out| unsafe { ffi::apus_binary(out, op, self.0, b.0) })
    }

    fn scaled(&self, factor: f64) -> Result<Tensor, Error> {
        let scalar = ffi::Scalar { kind: ffi::SCALAR_FLOAT, real: factor, ..Default::default() };
        Tensor::make(|out| unsafe { ffi::apus_binary_scalar(out, ffi::BINARY_MUL, self.0, &scalar, false) })
    }

    /// Subtracts in place.
    fn subtract(&mut self, b: &Tensor) -> Result<(), Error> {
        check(unsafe { ffi::apus_binary(&mut self.0, ffi::BINARY_SUB, self.0, b.0) })
    }

    fn sum(&self) -> Result<f64, Error> {
        let sum = Tensor::make(|out| unsafe {
            ffi::apus_reduce(out, ffi::REDUCE_SUM, self.0, 0, std::ptr::null(), false)
        })?;
        let mut value = ffi::Scalar::default();
        check(unsafe { ffi::apus_tensor_item(sum.0, &mut value) })?;
        Ok(value.real)
    }

    fn values<const N: usize>(&self) -> Result<[f32; N], Error> {
        let mut values = [0f32; N];
        let bytes = std::mem::size_of_val(&values);
        check(unsafe { ffi::apus_tensor_read(self.0, ffi::FLOAT32, values.as_mut_ptr() as *mut c_void, bytes) })?;
        Ok(values)
    }
}

fn main() -> Result<(), Error> {
    // y = 2x + 1, by steepest descent on the squared error of [x 1] @ w.
    let x = Tensor::new(&[0., 1., 1., 1., 2., 1., 3., 1.], &[4, 2])?;
    let y = Tensor::new(&[1., 3., 5., 7.], &[4, 1])?;
    let mut w = Tensor::new(&[0., 0.], &[2, 1])?;
    for _ in 0..500 {
        let residual = x.matmul(&w)?.binary(ffi::BINARY_SUB, &y)?;
        w.subtract(&x.t()?.matmul(&residual)?.scaled(0.1)?)?;
    }
    let residual = x.matmul(&w)?.binary(ffi::BINARY_SUB, &y)?;
    let [slope, offset] = w.values::<2>()?;
    println!("y = {slope:.3} x + {offset:.3}, squared error {:.6}", residual.binary(ffi::BINARY_MUL, &residual)?.sum()?);
    if let Err(error) = x.matmul(&y) {
        println!("refused: {error}");
    }
    Ok(())
}
