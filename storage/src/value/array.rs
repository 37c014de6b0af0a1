//! Arrays: elements of one type in up to six dimensions, each with its lower bound.

use std::cmp::Ordering;

use super::{DataType, Value};

/// The most dimensions of an array.
pub const MAX_DIMENSIONS: usize = 6;

/// An array. Its elements stand in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    element: DataType,
    dimensions: Vec<Dimension>,
    values: Vec<Value>,
}

/// One dimension of an array.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Dimension {
    /// How many elements it has.
    pub length: usize,
    /// The subscript of the first one.
    pub lower: i32,
}

impl Dimension {
    /// The subscript of the last element.
    pub fn upper(self) -> i32 {
        let length = i32::try_from(self.length).unwrap_or(i32::MAX);
        self.lower.saturating_add(length).saturating_sub(1)
    }
}

impl Array {
    /// An array of one dimension that counts from 1; without elements it has no dimension.
    pub fn new(element: DataType, values: Vec<Value>) -> Self {
        Self::from_lower(element, values, 1)
    }

    /// An array of one dimension that counts from another number.
    pub fn from_lower(element: DataType, values: Vec<Value>, lower: i32) -> Self {
        let dimensions = if values.is_empty() { Vec::new() } else { vec![Dimension { length: values.len(), lower }] };
        Self { element, dimensions, values }
    }

    /// An array of several dimensions; none if they do not hold as many values as are given, or are too many.
    pub fn with_dimensions(element: DataType, dimensions: Vec<Dimension>, values: Vec<Value>) -> Option<Self> {
        if values.is_empty() {
            return Some(Self { element, dimensions: Vec::new(), values });
        }
        let mut count = 1_usize;
        for dimension in &dimensions {
            count = count.checked_mul(dimension.length)?;
            let length = i32::try_from(dimension.length).ok()?;
            dimension.lower.checked_add(length.checked_sub(1)?)?;
        }
        let fits = !dimensions.is_empty() && dimensions.len() <= MAX_DIMENSIONS && count == values.len();
        fits.then_some(Self { element, dimensions, values })
    }

    /// The type of the elements.
    pub const fn element(&self) -> DataType {
        self.element
    }

    /// The dimensions, none for an empty array.
    pub fn dimensions(&self) -> &[Dimension] {
        &self.dimensions
    }

    /// The elements in row-major order.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The elements in row-major order.
    pub fn into_values(self) -> Vec<Value> {
        self.values
    }

    /// Whether nothing tells the two arrays apart.
    pub fn is_identical(&self, other: &Self) -> bool {
        self.element == other.element
            && self.dimensions == other.dimensions
            && self.values.len() == other.values.len()
            && self.values.iter().zip(&other.values).all(|(a, b)| a.is_identical(b))
    }

    /// PostgreSQL's order: element by element, then by their number, then by the dimensions.
    pub fn compare(&self, other: &Self) -> Ordering {
        let lengths = |array: &Self| array.dimensions.iter().map(|d| d.length).collect::<Vec<_>>();
        let lowers = |array: &Self| array.dimensions.iter().map(|d| d.lower).collect::<Vec<_>>();
        compare_all(&self.values, &other.values)
            .then_with(|| self.dimensions.len().cmp(&other.dimensions.len()))
            .then_with(|| lengths(self).cmp(&lengths(other)))
            .then_with(|| lowers(self).cmp(&lowers(other)))
    }
}

/// The order of two sequences of values: the first difference decides, then the length.
pub(super) fn compare_all(a: &[Value], b: &[Value]) -> Ordering {
    let first_difference = a.iter().zip(b).map(|(a, b)| a.compare(b)).find(|order| order.is_ne());
    first_difference.unwrap_or_else(|| a.len().cmp(&b.len()))
}
