//! A set in a vector, for the few elements that are usually there: it keeps its memory when it becomes empty, where a tree would
//! allocate a node for every first element.

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SortedVec<T> {
    elements: Vec<T>,
}

impl<T> Default for SortedVec<T> {
    fn default() -> Self {
        SortedVec { elements: Vec::new() }
    }
}

impl<T: Ord> SortedVec<T> {
    pub(crate) fn insert(&mut self, element: T) {
        if let Err(place) = self.elements.binary_search(&element) {
            self.elements.insert(place, element);
        }
    }

    pub(crate) fn remove(&mut self, element: &T) {
        if let Ok(place) = self.elements.binary_search(element) {
            self.elements.remove(place);
        }
    }

    pub(crate) fn pop_first(&mut self) -> Option<T> {
        (!self.elements.is_empty()).then(|| self.elements.remove(0))
    }

    /// Keeps those for which `keep` is true; asks in order.
    pub(crate) fn retain(&mut self, keep: impl FnMut(&T) -> bool) {
        self.elements.retain(keep);
    }

    pub(crate) fn clear(&mut self) {
        self.elements.clear();
    }
}

impl<T> std::ops::Deref for SortedVec<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.elements
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_come_in_order_and_once() {
        let mut set = SortedVec::default();
        for element in [3, 1, 2, 3] {
            set.insert(element);
        }
        set.remove(&2);
        assert_eq!(*set, [1, 3]);
        assert_eq!((set.pop_first(), set.pop_first(), set.pop_first()), (Some(1), Some(3), None));
    }
}
